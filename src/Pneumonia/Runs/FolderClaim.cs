using System.Collections.Concurrent;
using System.Globalization;

namespace Convolve.Pneumonia.Runs;

/// <summary>
/// A folder that one command alone writes to, until the claim is disposed: no two runs mix their files. The claim is a lock on a small file in the
/// folder. The operating system drops it with the process, however that ends; what a killed command left behind goes with the next claim.
/// </summary>
/// <remarks>
/// <para>The lock is advisory (flock on Unix), and holds between the machines of a network drive whose server passes locks on. Where a file
/// system knows no locks, whoever creates the file first owns the folder, and the file of a killed command has to be removed by hand.</para>
/// <para>A claim makes the folders that are missing, and disposing it takes them away again if nothing was written there.</para>
/// </remarks>
public sealed class FolderClaim : IDisposable
{
    /// <summary>The file that is locked.</summary>
    internal const string LockName = ".lock";

    private const string UnfinishedName = ".unfinished";

    // With which earlier versions tried whether a folder can be written to.
    private const string ProbeName = ".writable";

    // Another command that gives up takes away a folder it has made, perhaps between two steps of this one.
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

    /// <summary>A folder within, for files that shall appear all at once: see <see cref="Publish"/>.</summary>
    public string Unfinished => Path.Combine(Folder, UnfinishedName);

    /// <summary>Claims a folder, whatever it holds.</summary>
    /// <exception cref="UserError">Another command has it, or it cannot be written to.</exception>
    public static FolderClaim Of(string folder) =>
        TryClaim(folder) ?? throw new UserError($"--out {folder}: another command is writing to this folder; wait until it has ended, or choose another folder");

    /// <summary>Claims a folder that holds nothing yet.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="advice">What to do about one that holds something.</param>
    /// <exception cref="UserError">Another command has it, it holds something, or it cannot be written to.</exception>
    public static FolderClaim OfEmpty(string folder, string advice)
    {
        // Looked at first, so that nothing is touched in a folder of the user's.
        if (!IsEmpty(folder) && !IsClaimed(folder)) throw Exists();
        FolderClaim claim = Of(folder);
        if (IsEmpty(folder)) return claim;
        claim.Dispose();
        throw Exists();

        UserError Exists() => new($"--out {folder}: exists already; {advice}");
    }

    /// <summary>Claims a folder that is not there yet: of the name given, or with the least number behind it.</summary>
    /// <exception cref="UserError">It cannot be written there.</exception>
    public static FolderClaim OfUnused(string folder)
    {
        string name = folder;
        for (int number = 2; ; number++)
        {
            if (!Path.Exists(name) && TryClaim(name) is { } claim)
            {
                if (IsEmpty(name)) return claim;
                claim.Dispose();
            }
            name = $"{folder}-{number}";
        }
    }

    /// <summary>Sees that the folder is still this command's.</summary>
    /// <exception cref="UserError">It was removed; one of its name may be another command's.</exception>
    public void RequireHeld()
    {
        bool isHeld = false;
        try { isHeld = IsAt(owned, Path.Combine(Folder, LockName)); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { }
        if (!isHeld) throw new UserError($"--out {Folder}: was removed, or its drive is gone, while this command was writing to it; start it again");
    }

    /// <summary>Moves what was written to <see cref="Unfinished"/> into the folder.</summary>
    /// <param name="last">The file that leads to the others: it appears when they are there.</param>
    /// <exception cref="UserError">The folder was removed, or cannot be written to.</exception>
    public void Publish(string last)
    {
        RequireHeld();
        try
        {
            foreach (string entry in Directory.EnumerateFileSystemEntries(Unfinished).OrderBy(entry => Path.GetFileName(entry) == last).ToArray())
            {
                string place = Path.Combine(Folder, Path.GetFileName(entry));
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

    /// <summary>Gives the folder free; removes what is unfinished, and folders that were made for nothing.</summary>
    public void Dispose()
    {
        if (!held.TryRemove(this, out _)) return;
        string path = Path.Combine(Folder, LockName);
        try
        {
            // Where the folder was removed meanwhile, one of the same name is another command's.
            if (!IsAt(owned, path)) return;
            RemoveLeftovers(Folder);
            // An open file cannot be removed on Windows; elsewhere it goes first, so that nobody loses a lock that he has just taken.
            if (OperatingSystem.IsWindows()) owned.Dispose();
            File.Delete(path);
            RemoveUnused(made);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A folder that is gone, or on a drive that is: there is nothing to give free but the lock.
        }
        finally
        {
            owned.Dispose();
        }
    }

    /// <summary>Disposes every claim of the process, for one that ends at once.</summary>
    internal static void DisposeAll()
    {
        foreach (FolderClaim claim in held.Keys) claim.Dispose();
    }

    // Null where another command has it.
    private static FolderClaim? TryClaim(string folder)
    {
        if (!Directory.Exists(folder) && new FileInfo(Path.TrimEndingDirectorySeparator(folder)).LinkTarget is { } target)
            throw new UserError($"--out {folder}: is a link to {target}, which is no folder; make that folder, or choose another one");
        if (File.Exists(folder)) throw new UserError($"--out {folder}: is a file; name a folder");
        for (int attempt = 1; ; attempt++)
        {
            string[] made = [.. MissingFolders(folder)];
            try
            {
                Directory.CreateDirectory(folder);
                string path = Path.Combine(folder, LockName);
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
                // A command that has just given up took away what had been there, or was not there yet, a moment before.
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                RemoveUnused(made);
                throw Unwritable(folder, e);
            }
        }
    }

    // Null where another command has locked it.
    private static FileStream? Lock(string path)
    {
        FileStream file;
        bool created = true;
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
                string.Create(CultureInfo.InvariantCulture, $"Process {Environment.ProcessId} on {Environment.MachineName} writes to this folder.\n")));
            file.Flush();
        }
        else if (!IsLockable(path))
        {
            file.Dispose();
            throw new IOException($"{path} is of another command, and this file system cannot tell whether that still runs; remove the file if it does not");
        }
        return file;
    }

    private static FileStream Open(string path, FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.None);

    // Of a file that this process has locked: a second lock must fail.
    private static bool IsLockable(string path)
    {
        try { Open(path, FileMode.Open).Dispose(); }
        catch (IOException e) when (IsLocked(e)) { return true; }
        return false;
    }

    /// <summary>
    /// Whether a locked file is the one that its path leads to. It is not where the last owner removed it between opening and locking: the lock is then
    /// on a file without a name, which keeps nobody out.
    /// </summary>
    private static bool IsAt(FileStream file, string path)
    {
        File.SetLastWriteTimeUtc(file.SafeFileHandle, DateTime.UtcNow);
        return File.Exists(path) && File.GetLastWriteTimeUtc(path) == File.GetLastWriteTimeUtc(file.SafeFileHandle);
    }

    // What FileShare.None answers: a sharing violation on Windows, elsewhere EWOULDBLOCK, whose number is 11 on Linux and 35 on BSD and macOS.
    private static bool IsLocked(IOException e) =>
        OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) == 32 : e.HResult == (OperatingSystem.IsLinux() ? 11 : 35);

    // What FileMode.CreateNew answers: EEXIST, or ERROR_FILE_EXISTS on Windows.
    private static bool IsExisting(IOException e) => (e.HResult & 0xFFFF) == (OperatingSystem.IsWindows() ? 80 : 17);

    private static bool IsClaimed(string folder)
    {
        try { Open(Path.Combine(folder, LockName), FileMode.Open).Dispose(); }
        catch (IOException e) { return IsLocked(e); }
        catch (UnauthorizedAccessException) { return false; }
        return false;
    }

    // Whether nothing is there, or nothing but what a killed command left behind.
    private static bool IsEmpty(string folder)
    {
        if (!Directory.Exists(folder)) return true;
        try { return Directory.EnumerateFileSystemEntries(folder).All(entry => Path.GetFileName(entry) is LockName or UnfinishedName or ProbeName); }
        catch (DirectoryNotFoundException) { return true; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { throw Unwritable(folder, e); }
    }

    private static void RemoveLeftovers(string folder)
    {
        string unfinished = Path.Combine(folder, UnfinishedName);
        if (Directory.Exists(unfinished)) Directory.Delete(unfinished, recursive: true);
        File.Delete(Path.Combine(folder, ProbeName));
    }

    // Another command may have put something there since.
    private static void RemoveUnused(IEnumerable<string> folders)
    {
        try
        {
            foreach (string folder in folders.Where(Directory.Exists)) Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static UserError Unwritable(string folder, Exception e) =>
        new($"--out {folder}: cannot be written to: {e.Message.ReplaceLineEndings(" ")}; choose another folder", e);

    // From the folder itself upwards.
    private static IEnumerable<string> MissingFolders(string folder)
    {
        for (string? at = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)); at is not null && !Directory.Exists(at); at = Path.GetDirectoryName(at)) yield return at;
    }
}
