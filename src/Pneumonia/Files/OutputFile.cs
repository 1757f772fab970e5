using System.Text;
using Convolve.Engine.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Files;

/// <summary>
/// What a command writes for its user: whole files, in folders that are made where they are missing; see <see cref="WholeFile"/>.
/// </summary>
public static class OutputFile
{
    /// <summary>Writes text as UTF-8 without a byte order mark.</summary>
    /// <exception cref="UserError">The file cannot be written there.</exception>
    public static void WriteText(string path, string text) => Write(path, new UTF8Encoding(false).GetBytes(text));

    /// <summary>Writes bytes.</summary>
    /// <exception cref="UserError">The file cannot be written there.</exception>
    public static void Write(string path, byte[] content) => Write(path, path, stream => stream.Write(content));

    /// <summary>Writes a file from a stream.</summary>
    /// <param name="path">The file.</param>
    /// <param name="named">What a message calls it, such as the option that names it.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="UserError">The file cannot be written there.</exception>
    public static void Write(string path, string named, Action<Stream> write) => Try(named, () =>
    {
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        WholeFile.Write(path, write);
    });

    /// <summary>Makes sure, before long work, that a file can be written to a folder that exists. Leaves nothing behind.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="named">What a message calls the file.</param>
    /// <exception cref="UserError">It cannot.</exception>
    public static void RequireWritable(string folder, string named) => Try(named, () =>
    {
        using var probe = new FileStream(Path.Combine(folder, $".{Path.GetRandomFileName()}"), FileMode.CreateNew, FileAccess.Write,
            FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
    });

    /// <summary>Removes a file, if there is one.</summary>
    /// <exception cref="UserError">It cannot be removed.</exception>
    public static void Remove(string path)
    {
        try
        {
            // A folder in its place would be reported as a file that must not be touched.
            if (Directory.Exists(path)) throw new IOException("it is a folder");
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw UserError.From(e, $"{path}: cannot be removed", advice: "move it away");
        }
    }

    private static void Try(string named, Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw UserError.From(e, $"{named}: cannot be written", advice: "choose another place or make room");
        }
    }
}
