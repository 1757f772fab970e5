using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Convolve.Engine.Files;

/// <summary>Tests where files can be written.</summary>
internal static class WritableFolder
{
    /// <summary>Bytes written as a test.</summary>
    private const int ProbeLength = 65536;

    /// <summary>Whether a folder can be written to, or created and then written to. Leaves nothing behind.</summary>
    /// <param name="folder">The folder, which need not be there.</param>
    /// <param name="room">Bytes that its disk must have free.</param>
    public static bool CanBe(string folder, long room = 0)
    {
        try
        {
            var nearest = Path.GetFullPath(folder);
            while (!Directory.Exists(nearest))
            {
                if (File.Exists(nearest) || Path.GetDirectoryName(nearest) is not { } parent) return false;
                nearest = parent;
            }
            if (new DriveInfo(nearest).AvailableFreeSpace < room) return false;
            var path = Path.Combine(nearest, $".{Path.GetRandomFileName()}");
            using var probe = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1,
                FileOptions.DeleteOnClose);
            probe.Write(new byte[ProbeLength]);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>
    /// A folder for temporary files that belongs to this user only, the same from run to run. Files in it are executed or trusted later, so
    /// if another user created it, or its owner is unknown, a new one is created.
    /// </summary>
    /// <returns>Its path; null if nothing can be written there.</returns>
    public static string? Temporary(string name)
    {
        try
        {
            if (OperatingSystem.IsWindows())
                return Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"convolve-{name}")).FullName;
            var path = Path.Combine(Path.GetTempPath(), $"convolve-{name}-{Environment.UserName}");
            if (!Path.Exists(path))
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            if (!OperatingSystem.IsLinux() || !IsOursAlone(path)) path = Directory.CreateTempSubdirectory($"convolve-{name}-").FullName;
            return CanBe(path) ? path : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Whether a path is a folder, not a link to one, that belongs to this process's user and that nobody else may
    /// enter.</summary>
    [SupportedOSPlatform("linux")]
    internal static bool IsOursAlone(string path)
    {
        // struct statx, the same on every CPU: owner at byte 20, kind and permissions at byte 28.
        const int CurrentFolder = -100, LinksThemselves = 0x100, Mode = 2, Owner = 8, Folder = 0x4000, Kind = 0xF000;
        Span<byte> status = stackalloc byte[256];
        try
        {
            if (Status(CurrentFolder, path, LinksThemselves, Mode | 1 | Owner, ref MemoryMarshal.GetReference(status)) != 0) return false;
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }
        var mode = MemoryMarshal.Read<ushort>(status[28..]);
        const int OthersRights = 0b111_111;
        return MemoryMarshal.Read<uint>(status[20..]) == User() && (mode & Kind) == Folder && (mode & OthersRights) == 0;
    }

    [DllImport("libc", EntryPoint = "statx")]
    private static extern int Status(int folder, string path, int flags, uint wanted, ref byte status);

    [DllImport("libc", EntryPoint = "geteuid")]
    private static extern uint User();
}
