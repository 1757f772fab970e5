using System.Reflection;
using System.Text.Json;
using Convolve.Engine.Devices;
using Convolve.Engine.Files;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Measured choices of algorithm: the first time a shape is met, every algorithm that exists for it is timed, and the fastest is
/// remembered in a file, one per device and version of the engine, so that it is measured once and stays the choice.
/// </summary>
/// <remarks>Only <see cref="ConvolutionAlgorithm.Tuned"/> asks here: without it, a timing never decides how a number is computed.</remarks>
public sealed class ConvolutionTuning
{
    private const int Runs = 3;

    private static readonly JsonSerializerOptions json = new() { WriteIndented = true };

    private readonly Device device;
    private SortedDictionary<string, Choice>? choices;

    /// <summary>The choices of a device, on which they are measured, kept in a folder.</summary>
    internal ConvolutionTuning(Device device, string folder)
    {
        this.device = device;
        var version = typeof(ConvolutionTuning).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
        var name = string.Concat($"{device.Description} {version}".Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' ? c : '-'));
        FilePath = Path.Combine(folder, $"convolutions-{name}.json");
    }

    /// <summary>Where the choices are kept.</summary>
    public string FilePath { get; }

    /// <summary>Shapes measured by this object; zero when all were known from the file.</summary>
    public int Measurements { get; private set; }

    /// <summary>The folder of the user's cache: $CONVOLVE_CACHE, else $XDG_CACHE_HOME/convolve, else ~/.cache/convolve.</summary>
    public static string DefaultFolder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("CONVOLVE_CACHE") is { Length: > 0 } own) return own;
            if (OperatingSystem.IsWindows())
                return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "convolve");
            var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (string.IsNullOrEmpty(cache)) cache = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
            return Path.Combine(cache, "convolve");
        }
    }

    /// <summary>The remembered choice for a shape; measured and written down if there is none.</summary>
    internal ConvolutionAlgorithm Fastest(ConvolutionPass pass, ConvolutionGeometry geometry)
    {
        choices ??= Read();
        var key = Key(pass, geometry);
        if (choices.TryGetValue(key, out var known) && Enum.TryParse<ConvolutionAlgorithm>(known.Algorithm, out var algorithm)
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
            // The formula itself is never the fastest, and takes too long to find out.
            fastest = ConvolutionChoice.Available(pass, geometry, device).Where(a => a != ConvolutionAlgorithm.Naive)
                .Select(a => (Algorithm: a, Milliseconds: trial.Milliseconds(a, Runs))).MinBy(t => t.Milliseconds);
        // Nothing else will need buffers of these sizes.
        device.Pool.Trim();
        return fastest;
    }

    private static string Key(ConvolutionPass pass, ConvolutionGeometry g) =>
        $"{pass} {g.Input} {g.Kernel} stride {g.Stride} padding {g.PaddingTop},{g.PaddingLeft} {g.Output}";

    private SortedDictionary<string, Choice> Read()
    {
        try
        {
            return JsonSerializer.Deserialize<SortedDictionary<string, Choice>>(File.ReadAllText(FilePath)) ?? [];
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            // No file yet, or one that another program spoilt: measure again.
            return [];
        }
    }

    private void Write()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        WholeFile.Write(FilePath, stream => JsonSerializer.Serialize(stream, choices, json));
    }

    /// <summary>An algorithm, and how long its fastest run took.</summary>
    private sealed record Choice(string Algorithm, double Milliseconds);
}
