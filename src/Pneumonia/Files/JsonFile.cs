using System.Text.Json;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Files;

/// <summary>JSON files that a command writes and reads again: indented, as <see cref="JsonFormat"/> says.</summary>
public static class JsonFile
{
    /// <summary>Writes a file.</summary>
    /// <exception cref="UserError">It cannot be written there.</exception>
    public static void Write<T>(string path, T content) =>
        OutputFile.WriteText(path, JsonSerializer.Serialize(content, JsonFormat.Indented) + "\n");

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">What it holds, for messages.</param>
    /// <param name="missing">What to do where there is no such file; null where one is always there.</param>
    /// <param name="advice">What to do about a file that cannot be read; null where that is plain.</param>
    /// <exception cref="UserError">It is missing, or is not what <see cref="Write"/> writes.</exception>
    public static T Read<T>(string path, string content, string? missing = null, string? advice = null)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(File.ReadAllText(path), JsonFormat.Indented)
                ?? throw new JsonException("it is null");
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && missing is not null)
        {
            throw new UserError($"{path}: no such file; {missing}");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or NotSupportedException
            or ArgumentException)
        {
            throw UserError.From(e, $"{path}: cannot be read as {content}", advice: advice);
        }
    }
}
