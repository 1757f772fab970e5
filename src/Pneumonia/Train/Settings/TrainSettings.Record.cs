using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <content>
/// What becomes of every setting: what was asked for, <c>config.json</c>, the report, the run that may go on, and the command line that
/// repeats it.
/// </content>
[JsonConverter(typeof(Converter))]
public sealed partial record TrainSettings
{
    private static readonly IReadOnlyList<Setting> all = Setting.Of(typeof(TrainSettings));
    private static readonly IReadOnlyList<Setting> recorded = Setting.InOrder(
        all.Where(setting => setting.Attribute<RecordedAttribute>() is not { Never: true }),
        setting => setting.Attribute<RecordedAttribute>()?.After);
    private static readonly TrainSettings nothingAsked = new();

    // Never modified, only replaced, because copies of a record share it.
    private IReadOnlyDictionary<string, object?> asked = new Dictionary<string, object?>();

    /// <summary>Whether a setting was given. One with a constant default counts as given if it differs from the default.</summary>
    /// <param name="setting">The name of its property.</param>
    public bool IsAsked(string setting) => IsAsked(all.Single(candidate => candidate.Name == setting));

    /// <summary>All settings with a value, by name, in the order of the report.</summary>
    public IReadOnlyList<(string Name, string Value)> Rows =>
        [.. recorded.Where(setting => setting.In(this) is not null).Select(setting => (setting.Words, Setting.TextOf(setting.In(this))))];

    /// <summary>
    /// The arguments for the same training, quoted for a shell, without output folder and display options. Settings that were
    /// not given are omitted, because defaults belong to the version. Null if there are none: some settings belong to experiments.
    /// </summary>
    public string? CommandLine
    {
        get
        {
            Setting[] given = [.. all.Where(setting => recorded.Contains(setting) && IsAsked(setting))];
            if (given.Any(setting => setting.Option is null)) return null;
            return string.Join(' ', ["train", .. given.Select(setting => setting.OptionName
                + ((setting.HasConstantDefault ? setting.In(this) : asked[setting.Name]) switch { true => "",
                    var value => " " + Quoted(Setting.TextOf(value)) }))]);
        }
    }

    /// <summary>Checks that these settings can resume a run.</summary>
    /// <param name="other">The settings of the existing run.</param>
    /// <param name="run">Its folder.</param>
    /// <param name="option">The option with which the user resumes the run.</param>
    /// <exception cref="UserError">They belong to another run; the message names the first setting that differs.</exception>
    public void RequireSameRun(TrainSettings other, string run, string option = "--resume")
    {
        foreach (var setting in recorded)
        {
            object? mine = setting.In(this), theirs = setting.In(other);
            if (Equals(mine, theirs) || MayChange(setting, other)) continue;
            throw new UserError(setting.Name == nameof(Images)
                ? $"{option}: the run in {run} was started with other images or another division of them; give the same data, or "
                    + "another --out"
                : $"{option}: the run in {run} was started with {setting.Words} {Setting.TextOf(theirs)}, not {Setting.TextOf(mine)}; "
                    + "give the same settings, or another --out");
        }
    }

    /// <inheritdoc/>
    public bool Equals(TrainSettings? other) =>
        other is not null && all.All(setting => IsAsked(setting) == other.IsAsked(setting) && Equals(setting.In(this), setting.In(other)));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Model, Data, Seed);

    // The given value, or the default, which depends on other settings.
    private T Asked<T>(Func<T> otherwise, [CallerMemberName] string setting = "") => asked.TryGetValue(setting, out var value) ? (T)value!
        : otherwise();

    private void Ask(object? value, [CallerMemberName] string setting = "") =>
        asked = new Dictionary<string, object?>(
            asked.Where(pair => pair.Key != setting).Concat(value is null ? [] : [KeyValuePair.Create(setting, (object?)value)]));

    private bool IsAsked(Setting setting) => setting.HasConstantDefault ? !Equals(setting.In(this), setting.In(nothingAsked))
        : asked.ContainsKey(setting.Name);

    private bool MayChange(Setting setting, TrainSettings other) => setting.Attribute<RecordedAttribute>() is { MayChange: true }
        || (setting.Name == nameof(Epochs) && Schedule == LearningRateSchedule.Constant)
        // If a run does not record it, the class order in its checkpoint decides.
        || (setting.Name == nameof(Positive) && other.Positive is null);

    private static string Quoted(string value) =>
        value.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:,=+@%".Contains(c)) && value.Length > 0 ? value
            : $"'{value.Replace("'", "'\\''")}'";

    /// <summary>
    /// Writes and reads <c>config.json</c>. What the file of an older run does not say is as it was before it could be said: false, zero,
    /// or nothing.
    /// </summary>
    private sealed class Converter : JsonConverter<TrainSettings>
    {
        public override void Write(Utf8JsonWriter writer, TrainSettings value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            foreach (var setting in recorded)
            {
                writer.WritePropertyName(JsonNamingPolicy.CamelCase.ConvertName(setting.Name));
                JsonSerializer.Serialize(writer, setting.In(value), setting.Type, options);
            }
            writer.WriteEndObject();
        }

        public override TrainSettings Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            var json = JsonElement.ParseValue(ref reader);
            if (json.ValueKind != JsonValueKind.Object) throw new JsonException("expected an object");
            var settings = new TrainSettings();
            var said = new Dictionary<string, object?>();
            foreach (var setting in recorded)
            {
                var value = json.TryGetProperty(JsonNamingPolicy.CamelCase.ConvertName(setting.Name), out var element)
                    ? element.Deserialize(setting.Type, options)
                    : setting.Type.IsValueType ? Activator.CreateInstance(setting.Type) : null;
                if (setting.HasConstantDefault) setting.Set(settings, value);
                else said[setting.Name] = value;
            }
            settings.asked = said;
            return settings;
        }
    }
}
