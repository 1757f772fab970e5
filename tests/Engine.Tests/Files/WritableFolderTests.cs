using System.Runtime.Versioning;
using Convolve.Engine.Files;

namespace Convolve.Engine.Tests.Files;

/// <summary>The folder for files if the usual one is not writable.</summary>
public sealed class WritableFolderTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("convolve-place-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void AFolderThatIsThereOrCanBeMadeIsWritableAndStaysAsItIs()
    {
        Assert.True(WritableFolder.CanBe(folder));
        Assert.True(WritableFolder.CanBe(Path.Combine(folder, "not", "yet")));
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    [SkippableFact]
    public void AFileOrASystemFolderIsNone()
    {
        var file = Path.Combine(folder, "file");
        File.WriteAllText(file, "");
        Assert.False(WritableFolder.CanBe(file));
        Assert.False(WritableFolder.CanBe(Path.Combine(file, "below")));
        Skip.IfNot(OperatingSystem.IsLinux(), "/proc is a folder of Linux that nobody can write to");
        Assert.False(WritableFolder.CanBe("/proc/nothing/here"));
    }

    [SkippableFact]
    [SupportedOSPlatform("linux")]
    public void ATemporaryFolderIsTheSameEachTimeAndNobodyElses()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "elsewhere folders for temporary files are each user's own");
        var name = Path.GetRandomFileName();
        var first = WritableFolder.Temporary(name)!;
        try
        {
            Assert.Equal(first, WritableFolder.Temporary(name));
            Assert.True(WritableFolder.IsOursAlone(first));
            // As left by another user.
            File.SetUnixFileMode(first, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.OtherWrite);
            Assert.False(WritableFolder.IsOursAlone(first));
            var second = WritableFolder.Temporary(name)!;
            Assert.NotEqual(first, second);
            Directory.Delete(second);
        }
        finally
        {
            Directory.Delete(first);
        }
    }

    [SkippableFact]
    [SupportedOSPlatform("linux")]
    public void ALinkToAFolderIsNotTheUsersAlone()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "links are looked at on Linux");
        var link = Path.Combine(folder, "link");
        Directory.CreateSymbolicLink(link, Directory.CreateDirectory(Path.Combine(folder, "target")).FullName);
        Assert.False(WritableFolder.IsOursAlone(link));
        Assert.False(WritableFolder.IsOursAlone(Path.Combine(folder, "missing")));
    }

    [Fact]
    public void TheUsersCacheIsNeverRelative() => Assert.True(Path.IsPathFullyQualified(UserCache.Folder));
}
