using System.Text.Json;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary><c>metrics.json</c> of a run folder.</summary>
public static class MetricsFile
{
    public const string FileName = "metrics.json";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string runFolder, Metrics metrics) =>
        OutputFile.WriteText(Path.Combine(runFolder, FileName), JsonSerializer.Serialize(metrics, JsonFormat.Indented) + "\n");

    /// <exception cref="UserError">The file is missing or is not what <see cref="Write"/> writes.</exception>
    public static Metrics Read(string runFolder)
    {
        var path = Path.Combine(runFolder, FileName);
        try
        {
            return JsonSerializer.Deserialize<Metrics>(File.ReadAllText(path), JsonFormat.Indented)
                ?? throw new UserError($"{path}: holds no metrics; train the run again");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserError($"{path}: no such file; --run needs the folder of a finished training run", e);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new UserError($"{path}: cannot be read as metrics: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
