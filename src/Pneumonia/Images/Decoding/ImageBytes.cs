namespace Convolve.Pneumonia.Images;

/// <summary>The bytes of image files.</summary>
internal static class ImageBytes
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="UnreadableImage">It cannot be read, or has no bytes.</exception>
    public static byte[] Read(string path)
    {
        try
        {
            // Opening a pipe would wait for its writer, perhaps for ever. Like a device, it has no size.
            if (SizeOf(path) == 0) throw new UnreadableImage(path, "is empty (0 bytes) or not a regular file");
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UnreadableImage(path, ImageWalk.IsNotUtf8(path) ? ImageWalk.NotUtf8 : "no such file") { IsMissing = true };
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnreadableImage(path, "cannot be read: " + e.Message.ReplaceLineEndings(" ")) { IsMissing = true };
        }
    }

    /// <summary>The size of a file, links followed; null where there is none, and of what a shell passes as /dev/fd/63.</summary>
    public static long? SizeOf(string path)
    {
        var file = new FileInfo(path);
        return file.LinkTarget is null ? Size(file) : Size(file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo);

        static long? Size(FileInfo? file) => file is { Exists: true } ? file.Length : null;
    }
}
