using System.Runtime.Versioning;
using Convolve.Engine.Files;

namespace Convolve.Engine.Devices;

/// <summary>
/// Makes sure that PoCL can write: it keeps compiled kernels on disk, and where it cannot it offers no device, without a word. Its folder
/// is <c>$POCL_CACHE_DIR</c>, else <c>$XDG_CACHE_HOME/pocl/kcache</c>, else <c>$HOME/.cache/pocl/kcache</c>.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class PoclCache
{
    private const string Variable = "POCL_CACHE_DIR";

    /// <summary>What the kernels of a training and of all its measured algorithms take there, with something to spare.</summary>
    private const int Mebibytes = 32, Room = Mebibytes << 20;

    /// <summary>Why PoCL offers no device, if it is for want of a folder; null if it has one.</summary>
    public static string? Problem { get; private set; }

    /// <summary>
    /// Has an effect only before the OpenCL library is loaded. A folder that cannot be written to is replaced by one for temporary files. Where
    /// there is none either, PoCL is kept from offering a device: over a full disk it ends the process when it compiles the first kernel.
    /// </summary>
    /// <returns>Which folder is used instead of the usual one.</returns>
    public static IEnumerable<string> Prepare()
    {
        var own = Environment.GetEnvironmentVariable(Variable);
        var usual = string.IsNullOrEmpty(own) ? UsualFolder() : own;
        if (usual is not null && WritableFolder.CanBe(usual, Room)) yield break;
        var without = usual is null ? "there is no home" : $"{(usual == own ? $"{Variable}={own}" : usual)} cannot be written to or is full";
        if (WritableFolder.Temporary("pocl") is { } temporary && WritableFolder.CanBe(temporary, Room))
        {
            NativeEnvironment.Set(Variable, temporary);
            yield return $"PoCL keeps its compiled kernels in {temporary}, since {without}";
            yield break;
        }
        Problem = $"PoCL keeps compiled kernels in a folder: {without}, and the same is true of {Path.GetTempPath()}; "
            + $"name a folder with {Mebibytes} MiB of room in {Variable}";
        NativeEnvironment.Set("POCL_DEVICES", "none");
    }

    // A home that does not exist is none: PoCL would make it if it may.
    private static string? UsualFolder() =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? Path.Combine(cache, "pocl", "kcache")
        : Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home && Directory.Exists(home) ? Path.Combine(home, ".cache", "pocl", "kcache")
        : null;
}
