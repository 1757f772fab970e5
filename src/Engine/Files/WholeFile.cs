using System.Text.RegularExpressions;

namespace Convolve.Engine.Files;

/// <summary>
/// Writes files so that a reader finds the old content or the whole new one, never a half: into a temporary file beside it, flushed to disk,
/// then renamed.
/// </summary>
/// <remarks>
/// A process that is killed leaves its temporary file behind. The next one that writes into the same folder removes it: the name says which process
/// wrote it, and the lock on it, which ends with the process, whether that still does. A file that is being written is never touched, whoever
/// writes it.
/// </remarks>
public static partial class WholeFile
{
    /// <summary>Writes a file, and removes what killed processes left in its folder. A link stays one: what it points to is replaced. A device is written into.</summary>
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
        RemoveLeftovers(Path.GetDirectoryName(Path.GetFullPath(target))!);
        Replace(target, write, flushToDisk: true);
    }

    /// <summary>
    /// Writes one of many files that can be made again: what a power cut leaves of them is found out by their readers, and waiting for the disk each time
    /// would take longer than making them. What killed processes left is for the caller to remove.
    /// </summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="IOException">The file cannot be written there; nothing is left of it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void WriteReplaceable(string path, Action<Stream> write) => Replace(path, write, flushToDisk: false);

    /// <summary>Removes what killed processes left in a folder. What cannot be looked at or removed stays.</summary>
    public static void RemoveLeftovers(string folder)
    {
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder, ".convolve-*.tmp"))
            {
                if (TemporaryName().Match(Path.GetFileName(path)) is not { Success: true } name || IsAnotherThatRuns(name.Groups[1].Value)) continue;
                try
                {
                    // Whoever writes it holds a lock: this process, or one of another machine or container, which has numbers of its own.
                    using var alone = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
                    File.Delete(path);
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
    }

    private static void Replace(string target, Action<Stream> write, bool flushToDisk)
    {
        using var stream = Create(Path.GetDirectoryName(target) ?? "", out var temporary);
        try
        {
            write(stream);
            stream.Flush(flushToDisk);
            // While it is still locked: else another process might take it for a leftover just before it gets its name.
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            // What is left of a full disk's file helps nobody.
            try { File.Delete(temporary); }
            catch (Exception deletion) when (deletion is IOException or UnauthorizedAccessException) { }
            throw;
        }
    }

    // Others may read it, under its final name, as soon as it has that.
    private static FileStream Create(string folder, out string temporary)
    {
        while (true)
        {
            temporary = Path.Combine(folder, $".convolve-{Environment.ProcessId}-{Guid.NewGuid():N}.tmp");
            try
            {
                return new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read | FileShare.Delete);
            }
            catch (IOException) when (File.Exists(temporary))
            {
                // Another process looked at it between its creation and its lock, and removes it; take another name.
                Thread.Sleep(1);
            }
        }
    }

    // In a container the number of a killed process may be that of this one.
    private static bool IsAnotherThatRuns(string process)
    {
        if (!int.TryParse(process, out var number) || number == Environment.ProcessId) return false;
        try
        {
            using var running = System.Diagnostics.Process.GetProcessById(number);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    // /dev/stdout is no file that another could take the place of; /dev/shm is memory that holds ordinary ones.
    private static bool IsDevice(string path) => Path.GetFullPath(path) is var full
        && full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);

    [GeneratedRegex(@"^\.convolve-(\d+)-[0-9a-f]{32}\.tmp$")]
    private static partial Regex TemporaryName();
}
