using System.Text.Json;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary><c>config.json</c> of a run folder: every setting of the run, versions and device.</summary>
public static class ConfigFile
{
    public const string FileName = "config.json";

    /// <summary>Writes any record of settings, camelCase, enumerations by name.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write<T>(string runFolder, T config) =>
        OutputFile.WriteText(Path.Combine(runFolder, FileName), JsonSerializer.Serialize(config, JsonFormat.Indented) + "\n");

    /// <exception cref="UserError">The file is missing or does not fit the record.</exception>
    public static T Read<T>(string runFolder)
    {
        var path = Path.Combine(runFolder, FileName);
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), JsonFormat.Indented)
                ?? throw new UserError($"{path}: holds no settings");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserError($"{path}: no such file; --run needs the folder of a training run", e);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UserError($"{path}: cannot be read as settings: {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
