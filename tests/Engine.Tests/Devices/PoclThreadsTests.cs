using System.Runtime.Versioning;
using Convolve.Engine.Devices;

namespace Convolve.Engine.Tests.Devices;

/// <summary>Settings with which PoCL would crash the process.</summary>
public sealed class PoclThreadsTests
{
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
}
