using System.Runtime.Versioning;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;

namespace Convolve.Engine.Tests.Devices;

/// <summary>Where files are kept if the usual place is none, and settings of PoCL that would end the process.</summary>
public sealed class PlaceToWriteTests : IDisposable
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
            // As another user might have left it.
            File.SetUnixFileMode(first, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherWrite);
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

    [SkippableTheory]
    [InlineData("1", 1)]
    [InlineData("2", 2)]
    [InlineData("8", 8)]
    [InlineData("9", null)]
    [InlineData("0", null)]
    [InlineData("-1", null)]
    [InlineData("99999999999", null)]
    [InlineData("two", null)]
    [InlineData("2 threads", null)]
    [SupportedOSPlatform("linux")]
    public void ThreadsOfPoclAreAWholeNumberUpToFourACore(string setting, int? threads)
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "PoCL's settings are looked at on Linux");
        Assert.Equal(threads, PoclThreads.ThreadsOf(setting, cores: 2));
    }

    [Fact]
    public void TheDefaultFolderIsNeverRelative() => Assert.True(Path.IsPathFullyQualified(ConvolutionTuning.DefaultFolder));

    [Theory]
    [InlineData(1, 8, "x")]
    [InlineData(2, 8, "x")]
    [InlineData(4, 8, "x")]
    [InlineData(5, 32, "x, sums in 32 parts")]
    [InlineData(8, 32, "x, sums in 32 parts")]
    [InlineData(12, 64, "x, sums in 64 parts")]
    [InlineData(64, 256, "x, sums in 256 parts")]
    public void AProcessorsNameTellsTheirNumberWhereSumsAreCutIntoMoreParts(int cores, int parts, string name)
    {
        Assert.Equal(parts, DeviceDescription.SumPartsOf(cores));
        Assert.Equal(name, DeviceDescription.NameOfProcessor("x", cores));
    }
}
