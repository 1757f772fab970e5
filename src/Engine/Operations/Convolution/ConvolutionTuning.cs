using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Convolve.Engine.Devices;
using Convolve.Engine.Files;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Measured choices of algorithm: the first time a shape occurs, every supported algorithm is timed, and the fastest is
/// stored in a file, one per device and engine version, so that it is measured once and does not change.
/// </summary>
/// <remarks>Used only for <see cref="ConvolutionAlgorithm.Tuned"/>; otherwise timings never affect how a number is computed.</remarks>
public sealed class ConvolutionTuning
{
    private const int Runs = 3;

    /// <summary>Largest file that is read, some ten thousand shapes; this program writes no larger one.</summary>
    private const int LargestFile = 1 << 20;

    private static readonly JsonSerializerOptions json = new() { WriteIndented = true };

    private static readonly ConditionalWeakTable<Device, ConvolutionTuning> ofDevices = [];

    private readonly Device device;
    private SortedDictionary<string, Choice?>? choices;

    private readonly Lazy<string> path;

    /// <summary>The choices of a device, on which they are measured, kept in a folder, by default <see cref="UserCache.Folder"/>.</summary>
    internal ConvolutionTuning(Device device, string? folder = null)
    {
        this.device = device;
        path = new(() => Path.Combine(folder ?? UserCache.Folder, FileName(device)));
    }

    /// <summary>The choices of a device; one without memory takes those of the device that it is like.</summary>
    public static ConvolutionTuning Of(Device device) =>
        ofDevices.GetValue(device.Computing, computing => new ConvolutionTuning(computing));

    /// <summary>The file of the choices.</summary>
    public string FilePath => path.Value;

    private static string FileName(Device device)
    {
        var version = typeof(ConvolutionTuning)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        var name = string.Concat($"{device.Description} {version}".Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-'));
        return $"convolutions-{name}.json";
    }

    /// <summary>Shapes measured by this object; zero when all were known from the file.</summary>
    public int Measurements { get; private set; }

    /// <summary>Why measured choices are not in the file, so that the next run measures them again; null if they are.</summary>
    public string? Problem { get; private set; }

    /// <summary>What was measured and where it is stored, or why not; null if everything was in the file.</summary>
    public string? Summary => Measurements == 0 ? null
        : $"convolutions: {Measurements} shapes measured; the fastest algorithm of each is "
            + (Problem is null ? $"kept in {FilePath}"
                : $"used in this run only, since {Problem}; name a folder that can be written to with CONVOLVE_CACHE");

    /// <summary>The stored choice for a shape; measured and stored if there is none.</summary>
    internal ConvolutionAlgorithm Fastest(ConvolutionPass pass, ConvolutionGeometry geometry)
    {
        lock (device.Gate) return FastestAlone(pass, geometry);
    }

    private ConvolutionAlgorithm FastestAlone(ConvolutionPass pass, ConvolutionGeometry geometry)
    {
        choices ??= Read();
        var key = Key(pass, geometry);
        if (choices.TryGetValue(key, out var known) && known is not null
            && Enum.TryParse<ConvolutionAlgorithm>(known.Algorithm, out var algorithm)
            && ConvolutionChoice.Available(pass, geometry, device).Contains(algorithm)) return algorithm;
        var fastest = Measure(pass, geometry);
        Measurements++;
        choices[key] = new Choice(fastest.Algorithm.ToString(), Math.Round(fastest.Milliseconds, 3));
        Write();
        return fastest.Algorithm;
    }

    private (ConvolutionAlgorithm Algorithm, double Milliseconds) Measure(ConvolutionPass pass, ConvolutionGeometry geometry)
    {
        (ConvolutionAlgorithm, double) fastest;
        using (var trial = new ConvolutionTrial(device, geometry, pass))
            // The naive algorithm is never the fastest, and takes too long to time.
            fastest = ConvolutionChoice.Available(pass, geometry, device).Where(a => a != ConvolutionAlgorithm.Naive)
                .Select(a => (Algorithm: a, Milliseconds: trial.Milliseconds(a, Runs))).MinBy(t => t.Milliseconds);
        // Nothing else will need buffers of these sizes.
        device.Pool.Trim();
        return fastest;
    }

    private static string Key(ConvolutionPass pass, ConvolutionGeometry g) =>
        $"{pass} {g.Input} {g.Kernel} stride {g.Stride} padding {g.PaddingTop},{g.PaddingLeft} {g.Output}";

    private SortedDictionary<string, Choice?> Read()
    {
        try
        {
            using var file = File.OpenRead(FilePath);
            if (file.Length <= LargestFile) return JsonSerializer.Deserialize<SortedDictionary<string, Choice?>>(file) ?? [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            // No file yet, or an unreadable or damaged one: measure again.
        }
        return [];
    }

    /// <summary>Stores all choices, or records why not; the training continues.</summary>
    private void Write()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
            WholeFile.Write(FilePath, stream => JsonSerializer.Serialize(stream, choices, json));
            Problem = null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Problem = $"{FilePath} cannot be written: {e.Message.TrimEnd('.')}";
        }
    }

    /// <summary>An algorithm, and how long its fastest run took.</summary>
    private sealed record Choice(string Algorithm, double Milliseconds);
}
