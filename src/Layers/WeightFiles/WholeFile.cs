namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Writes files so that a reader finds the old content or the whole new one, never a half: into a temporary name beside it, flushed to disk,
/// then renamed.
/// </summary>
public static class WholeFile
{
    /// <summary>Writes a file. A link stays one: what it points to is replaced. A device is written into.</summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="IOException">The file cannot be written there; nothing is left of it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (IsDevice(path))
        {
            using var device = new FileStream(path, FileMode.Open, FileAccess.Write);
            write(device);
            return;
        }
        var target = new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;
        var temporary = target + ".tmp";
        try
        {
            using (var stream = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What is left of a full disk's file helps nobody.
            try { File.Delete(temporary); }
            catch (Exception deletion) when (deletion is IOException or UnauthorizedAccessException) { }
            throw;
        }
    }

    // /dev/stdout is no file that another could take the place of; /dev/shm is memory that holds ordinary ones.
    private static bool IsDevice(string path) => Path.GetFullPath(path) is var full
        && full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);
}
