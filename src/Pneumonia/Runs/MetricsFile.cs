using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary><c>metrics.json</c> of a run folder.</summary>
public static class MetricsFile
{
    public const string FileName = "metrics.json";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string runFolder, Metrics metrics) =>
        JsonFile.Write(Path.Combine(runFolder, FileName), metrics);

    /// <exception cref="UserError">The file is missing or is not what <see cref="Write"/> writes.</exception>
    public static Metrics Read(string runFolder) =>
        JsonFile.Read<Metrics>(Path.Combine(runFolder, FileName), "metrics", missing: "--run needs the folder of a finished training run");
}
