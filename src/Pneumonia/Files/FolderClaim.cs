using System.Collections.Concurrent;
using System.Globalization;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Files;

/// <summary>
/// Exclusive write access of one command to a folder, until the claim is disposed, so that runs never mix their files. The claim is a lock
/// on a small file in the folder. The operating system releases it when the process ends in any way; the next claim removes leftovers of a
/// killed command.
/// </summary>
/// <remarks>
/// <para>The lock is advisory (flock on Unix). It works across machines on a network drive whose server supports locks. If a file
/// system has no locks, the creator of the file owns the folder, and the file of a killed command must be removed by hand.</para>
/// <para>A claim creates missing folders; disposing it removes them if nothing was written.</para>
/// </remarks>
public sealed class FolderClaim : IDisposable
{
    /// <summary>The file that is locked.</summary>
    internal const string LockName = ".lock";

    private const string UnfinishedName = ".unfinished";

    // Earlier versions used this file to test whether a folder is writable.
    private const string ProbeName = ".writable";

    // Another command that fails removes a folder that it created, perhaps between two steps of this one.
    private const int Attempts = 100;

    private static readonly ConcurrentDictionary<FolderClaim, byte> held = new();

    private readonly FileStream owned;
    private readonly IReadOnlyList<string> made;

    private FolderClaim(string folder, FileStream owned, IReadOnlyList<string> made)
    {
        Folder = folder;
        this.owned = owned;
        this.made = made;
        held[this] = 0;
    }

    /// <summary>The folder, as it was named.</summary>
    public string Folder { get; }

    /// <summary>A subfolder for files that must appear all at once: see <see cref="Publish"/>.</summary>
    public string Unfinished => Path.Combine(Folder, UnfinishedName);

    /// <summary>Claims a folder with any content.</summary>
    /// <exception cref="UserError">Another command uses it, or it is not writable.</exception>
    public static FolderClaim Of(string folder) =>
        TryClaim(folder) ?? throw new UserError(
            $"--out {folder}: another command is writing to this folder; wait until it has ended, or choose another folder");

    /// <summary>Claims an empty or new folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="advice">What to do about a folder that is not empty.</param>
    /// <exception cref="UserError">Another command uses it, it is not empty, or it is not writable.</exception>
    public static FolderClaim OfEmpty(string folder, string advice)
    {
        // Checked first, so that a user's folder is not modified.
        if (!IsEmpty(folder) && !IsClaimed(folder)) throw Exists();
        var claim = Of(folder);
        if (IsEmpty(folder)) return claim;
        claim.Dispose();
        throw Exists();

        UserError Exists() => new($"--out {folder}: exists already; {advice}");
    }

    /// <summary>Claims a new folder with the given name, or with the smallest free number appended.</summary>
    /// <exception cref="UserError">The parent folder is not writable.</exception>
    public static FolderClaim OfUnused(string folder)
    {
        var name = folder;
        for (var number = 2; ; number++)
        {
            if (!Path.Exists(name) && TryClaim(name) is { } claim)
            {
                if (IsEmpty(name)) return claim;
                claim.Dispose();
            }
            name = $"{folder}-{number}";
        }
    }

    /// <summary>Checks that the folder still belongs to this command.</summary>
    /// <exception cref="UserError">It was removed; a folder of that name may belong to another command.</exception>
    public void RequireHeld()
    {
        var isHeld = false;
        try { isHeld = IsAt(owned, Path.Combine(Folder, LockName)); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        if (!isHeld)
            throw new UserError($"--out {Folder}: was removed, or its drive is gone, while this command was writing to it; start it again");
    }

    /// <summary>Moves the files from <see cref="Unfinished"/> into the folder.</summary>
    /// <param name="last">The file that links to the others; it is moved last.</param>
    /// <exception cref="UserError">The folder was removed, or is not writable.</exception>
    public void Publish(string last)
    {
        RequireHeld();
        try
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(Unfinished)
                .OrderBy(entry => Path.GetFileName(entry) == last).ToArray())
            {
                var place = Path.Combine(Folder, Path.GetFileName(entry));
                if (Directory.Exists(entry)) Directory.Move(entry, place);
                else File.Move(entry, place);
            }
            Directory.Delete(Unfinished);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(Folder, e);
        }
    }

    /// <summary>Releases the folder; removes unfinished files and empty folders that it created.</summary>
    public void Dispose()
    {
        if (!held.TryRemove(this, out _)) return;
        var path = Path.Combine(Folder, LockName);
        try
        {
            // If the folder was removed meanwhile, a folder of the same name belongs to another command.
            if (!IsAt(owned, path)) return;
            RemoveLeftovers(Folder);
            // Windows cannot remove an open file; elsewhere it is removed first, so that no one loses a lock just taken.
            if (OperatingSystem.IsWindows()) owned.Dispose();
            File.Delete(path);
            RemoveUnused(made);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder or its drive is gone: only the lock can be released.
        }
        finally
        {
            owned.Dispose();
        }
    }

    /// <summary>Disposes every claim of the process, for an immediate exit.</summary>
    internal static void DisposeAll()
    {
        foreach (var claim in held.Keys) claim.Dispose();
    }

    // Null if another command uses it.
    private static FolderClaim? TryClaim(string folder)
    {
        if (!Directory.Exists(folder) && new FileInfo(Path.TrimEndingDirectorySeparator(folder)).LinkTarget is { } target)
            throw new UserError($"--out {folder}: is a link to {target}, which is not a folder; make that folder, or choose another one");
        if (File.Exists(folder)) throw new UserError($"--out {folder}: is a file; name a folder");
        for (var attempt = 1; ; attempt++)
        {
            string[] made = [.. MissingFolders(folder)];
            try
            {
                Directory.CreateDirectory(folder);
                var path = Path.Combine(folder, LockName);
                if (Lock(path) is not { } owned)
                {
                    RemoveUnused(made);
                    return null;
                }
                if (IsAt(owned, path))
                {
                    RemoveLeftovers(folder);
                    return new FolderClaim(folder, owned, made);
                }
                owned.Dispose();
                if (attempt == Attempts) throw new IOException($"{path} cannot be locked");
            }
            catch (IOException e) when ((e is DirectoryNotFoundException or FileNotFoundException || IsExisting(e)) && attempt < Attempts)
            {
                // A command that just failed removed it in between.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                RemoveUnused(made);
                throw Unwritable(folder, e);
            }
        }
    }

    // Null if another command has locked it.
    private static FileStream? Lock(string path)
    {
        FileStream file;
        var created = true;
        try
        {
            file = Open(path, FileMode.CreateNew);
        }
        catch (IOException locked) when (IsLocked(locked))
        {
            return null;
        }
        catch (IOException existing) when (IsExisting(existing))
        {
            created = false;
            try { file = Open(path, FileMode.Open); }
            catch (IOException locked) when (IsLocked(locked)) { return null; }
        }
        if (created)
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(
                string.Create(CultureInfo.InvariantCulture,
                    $"Process {Environment.ProcessId} on {Environment.MachineName} writes to this folder.\n")));
            file.Flush();
        }
        else if (!IsLockable(path))
        {
            file.Dispose();
            throw new IOException(
                $"{path} is of another command, and this file system cannot tell whether that still runs; remove the file if it does not");
        }
        return file;
    }

    private static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.None);

    // For a file that this process has locked: a second lock must fail.
    private static bool IsLockable(string path)
    {
        try { Open(path, FileMode.Open).Dispose(); }
        catch (IOException e) when (IsLocked(e)) { return true; }
        return false;
    }

    /// <summary>
    /// Whether a locked file is still the one at its path. It is not if the last owner removed it between opening and locking; then the
    /// lock is on an unlinked file, which excludes no one.
    /// </summary>
    private static bool IsAt(FileStream file, string path)
    {
        File.SetLastWriteTimeUtc(file.SafeFileHandle, DateTime.UtcNow);
        return File.Exists(path) && File.GetLastWriteTimeUtc(path) == File.GetLastWriteTimeUtc(file.SafeFileHandle);
    }

    // The error of FileShare.None: a sharing violation on Windows, elsewhere EWOULDBLOCK, which is 11 on Linux and 35 on BSD and macOS.
    private static bool IsLocked(IOException e) =>
        OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) == 32 : e.HResult == (OperatingSystem.IsLinux() ? 11 : 35);

    // The error of FileMode.CreateNew: EEXIST, or ERROR_FILE_EXISTS on Windows.
    private static bool IsExisting(IOException e) => (e.HResult & 0xFFFF) == (OperatingSystem.IsWindows() ? 80 : 17);

    private static bool IsClaimed(string folder)
    {
        try { Open(Path.Combine(folder, LockName), FileMode.Open).Dispose(); }
        catch (IOException e) { return IsLocked(e); }
        catch (UnauthorizedAccessException) { return false; }
        return false;
    }

    // Whether it is empty, or has only leftovers of a killed command.
    private static bool IsEmpty(string folder)
    {
        if (!Directory.Exists(folder)) return true;
        try
        {
            return Directory.EnumerateFileSystemEntries(folder)
            .All(entry => Path.GetFileName(entry) is LockName or UnfinishedName or ProbeName);
        }
        catch (DirectoryNotFoundException) { return true; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw Unwritable(folder, e); }
    }

    private static void RemoveLeftovers(string folder)
    {
        var unfinished = Path.Combine(folder, UnfinishedName);
        if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        File.Delete(Path.Combine(folder, ProbeName));
    }

    // Another command may have written there since.
    private static void RemoveUnused(IEnumerable<string> folders)
    {
        try
        {
            foreach (var folder in folders.Where(Directory.Exists)) Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static UserError Unwritable(string folder, Exception e) =>
        UserError.From(e, $"--out {folder}: cannot be written to", advice: "choose another folder");

    // From the folder upwards.
    private static IEnumerable<string> MissingFolders(string folder)
    {
        for (var at = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)); at is not null
            && !Directory.Exists(at); at = Path.GetDirectoryName(at)) yield return at;
    }
}
