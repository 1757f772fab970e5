using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Convolve.Engine.Files;

/// <summary>
/// Writes files atomically: readers find either the old content or all of the new. A temporary file beside the target is written, flushed
/// to disk and renamed.
/// </summary>
/// <remarks>
/// A killed process leaves its temporary file behind. The next process that writes into the folder removes it: its name has the number of
/// the process that wrote it, and its lock, which ends with that process, shows whether it is still being written. Files that are being
/// written are never touched.
/// </remarks>
public static partial class WholeFile
{
    private const int MostAttempts = 100;

    // Names of the temporary files that this process is writing. Opening one to see whether it is a leftover would lock out its readers for
    // a moment, if it gets its final name just then.
    private static readonly ConcurrentDictionary<string, bool> beingWritten = [];

    /// <summary>Writes a file, and removes leftovers of killed processes from its folder. If the path is a link, its target is replaced; a
    /// device is written to.</summary>
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
    /// Writes one of many files that can be created again, without waiting for the disk, which would take longer than creating them.
    /// Readers must detect files damaged by a power failure, and callers remove leftovers of killed processes.
    /// </summary>
    /// <param name="path">The file, in a folder that exists.</param>
    /// <param name="write">Writes its content.</param>
    /// <exception cref="IOException">The file cannot be written there; nothing is left of it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public static void WriteReplaceable(string path, Action<Stream> write) => Replace(path, write, flushToDisk: false);

    /// <summary>Removes leftovers of killed processes from a folder. What cannot be opened or removed stays.</summary>
    public static void RemoveLeftovers(string folder)
    {
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder, ".convolve-*.tmp"))
            {
                var file = Path.GetFileName(path);
                if (TemporaryName().Match(file) is not { Success: true } name || beingWritten.ContainsKey(file)
                    || IsAnotherThatRuns(name.Groups[1].Value))
                    continue;
                try
                {
                    // Its writer holds a lock, also if it is on another machine or in another container, whose process numbers differ.
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
        var name = $".convolve-{Environment.ProcessId}-{Guid.NewGuid():N}.tmp";
        var temporary = Path.Combine(Path.GetDirectoryName(target) ?? "", name);
        beingWritten[name] = true;
        try
        {
            using var stream = Create(temporary);
            write(stream);
            stream.Flush(flushToDisk);
            // While it is locked: else another process might mistake it for a leftover before it is renamed.
            File.Move(temporary, target, overwrite: true);
        }
        catch
        {
            // An incomplete file, such as on a full disk, is useless.
            try { File.Delete(temporary); }
            catch (Exception deletion) when (deletion is IOException or UnauthorizedAccessException) { }
            throw;
        }
        finally
        {
            beingWritten.TryRemove(name, out _);
        }
    }

    // Others may read it as soon as it has its final name.
    private static FileStream Create(string temporary)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                return new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.Read | FileShare.Delete);
            }
            catch (IOException e) when (attempt < MostAttempts && e.GetType() == typeof(IOException))
            {
                // A process in another container, where numbers differ, took it for a leftover between its creation and its lock, and may
                // have removed it already.
                Thread.Sleep(1);
            }
    }

    // In a container a killed process may have had this process's number.
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

    // /dev/stdout cannot be replaced by a file; /dev/shm is memory with ordinary files.
    private static bool IsDevice(string path) => Path.GetFullPath(path) is var full
        && full.StartsWith("/dev/", StringComparison.Ordinal) && !full.StartsWith("/dev/shm/", StringComparison.Ordinal);

    [GeneratedRegex(@"^\.convolve-(\d+)-[0-9a-f]{32}\.tmp$")]
    private static partial Regex TemporaryName();
}
