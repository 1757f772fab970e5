using System.Diagnostics;
using Convolve.Pneumonia.Tests.Devices;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>
/// Settings with which PoCL crashes, or silently offers no device. It reads them once, when it is loaded, so each needs its own
/// process.
/// </summary>
public sealed class PoclSettingsTests
{
    private static readonly Lazy<string> undisturbed = new(() => Devices("LC_ALL", "C").Output);

    [SkippableTheory]
    [InlineData("POCL_MAX_PTHREAD_COUNT", "1", "")]
    [InlineData("POCL_MAX_PTHREAD_COUNT", "-1", "POCL_MAX_PTHREAD_COUNT=-1 is left out")]
    [InlineData("POCL_MAX_PTHREAD_COUNT", "99999999999", "POCL_MAX_PTHREAD_COUNT=99999999999 is left out")]
    [InlineData("POCL_MAX_PTHREAD_COUNT", "CORES+1", "")]
    [InlineData("XDG_CACHE_HOME", "/proc/nothing", "since /proc/nothing/pocl/kcache cannot be written to")]
    [InlineData("POCL_CACHE_DIR", "/proc/nothing", "since POCL_CACHE_DIR=/proc/nothing cannot be written to")]
    [InlineData("HOME", "/nothing/there", "since there is no home")]
    public void TheDeviceIsThereAndWhatWasChangedIsSaid(string variable, string value, string note)
    {
        SkipWithoutPocl();
        var (output, exitCode) = Devices(variable, value.Replace("CORES+1", $"{Environment.ProcessorCount + 1}"));
        Assert.Equal(0, exitCode);
        Assert.Contains("* opencl", output);
        Assert.Contains(note, output);
    }

    [SkippableTheory]
    [InlineData("POCL_DEVICES", "nothing", "offers no device: POCL_DEVICES=nothing names none")]
    [InlineData("OCL_ICD_VENDORS", "/proc/nothing", "no OpenCL was found; install")]
    public void ADeviceThatIsNotThereSaysWhatIsTheMatter(string variable, string value, string reason)
    {
        SkipWithoutPocl();
        var (output, exitCode) = Devices(variable, value);
        Assert.Equal(0, exitCode);
        Assert.Contains("* cpu", output);
        Assert.Contains(reason, output);
    }

    private static void SkipWithoutPocl()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "PoCL's settings are looked at on Linux");
        OpenCl.SkipIfMissing();
        Skip.IfNot(undisturbed.Value.Contains("* opencl")
            && undisturbed.Value.Contains("Portable Computing Language"), "this machine has a faster device than PoCL's");
    }

    private static (string Output, int ExitCode) Devices(string variable, string value)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "Convolve.Pneumonia.dll");
        var start = new ProcessStartInfo("dotnet", [program, "devices"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment[variable] = value;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (output + errors.Result, process.ExitCode);
    }
}
