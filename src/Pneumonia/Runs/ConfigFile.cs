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
        JsonFile.Write(Path.Combine(runFolder, FileName), config);

    /// <exception cref="UserError">The file is missing or does not fit the record.</exception>
    public static T Read<T>(string runFolder) =>
        JsonFile.Read<T>(Path.Combine(runFolder, FileName), "settings", missing: "--run needs the folder of a training run");
}
