using System.Text;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// Writes files so that a reader finds the old content or the whole new one, never a half: into a temporary name beside it, flushed to disk,
/// then renamed.
/// </summary>
public static class WholeFile
{
    /// <summary>Writes text as UTF-8 without a byte order mark; creates the folder where it is missing.</summary>
    /// <exception cref="UserError">The file cannot be written there.</exception>
    public static void WriteText(string path, string text) => Write(path, new UTF8Encoding(false).GetBytes(text));

    /// <inheritdoc cref="WriteText"/>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        // A link stays one: what it points to is replaced.
        string target = new FileInfo(path) is { LinkTarget: not null } link && !IsDevice(path) ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;
        string temporary = target + ".tmp";
        try
        {
            if (IsDevice(path))
            {
                using var device = new FileStream(path, FileMode.Open, FileAccess.Write);
                device.Write(content);
                return;
            }
            if (Path.GetDirectoryName(target) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            // What is left of a full disk's file helps nobody.
            try { File.Delete(temporary); }
            catch (Exception deletion) when (deletion is IOException or UnauthorizedAccessException) { }
            throw new UserError($"{path}: cannot be written: {e.Message.ReplaceLineEndings(" ")}; choose another place or make room", e);
        }
    }

    // /dev/stdout is no file that another could take the place of; /dev/shm is memory that holds ordinary ones.
    private static bool IsDevice(string path) => Path.GetFullPath(path) is var full
        && full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);
}
