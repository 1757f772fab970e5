using System.Runtime.Versioning;
using Convolve.Engine.Files;

namespace Convolve.Engine.Devices;

/// <summary>
/// Makes sure that PoCL can write its cache of compiled kernels; otherwise it silently offers no device. Its folder
/// is <c>$POCL_CACHE_DIR</c>, else <c>$XDG_CACHE_HOME/pocl/kcache</c>, else <c>$HOME/.cache/pocl/kcache</c>.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class PoclCache
{
    private const string Variable = "POCL_CACHE_DIR";

    /// <summary>Space for the kernels of a training and of all measured algorithms, with a margin.</summary>
    private const int Mebibytes = 32, Room = Mebibytes << 20;

    /// <summary>Why PoCL offers no device if it lacks a folder; null otherwise.</summary>
    public static string? Problem { get; private set; }

    /// <summary>
    /// Effective only before the OpenCL library is loaded. A folder that is not writable is replaced by a temporary one. If
    /// there is none either, PoCL is disabled: on a full disk it would crash the process when it compiles the first kernel.
    /// </summary>
    /// <returns>The folder that is used instead of the usual one.</returns>
    public static IEnumerable<string> Prepare()
    {
        var own = Environment.GetEnvironmentVariable(Variable);
        var usual = string.IsNullOrEmpty(own) ? UsualFolder() : own;
        if (usual is not null && WritableFolder.CanBe(usual, Room)) yield break;
        var without = usual is null ? "there is no home"
            : $"{(usual == own ? $"{Variable}={own}" : usual)} cannot be written to or is full";
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

    // A home that does not exist does not count: PoCL would create it if possible.
    private static string? UsualFolder() =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? Path.Combine(cache, "pocl", "kcache")
        : Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home && Directory.Exists(home)
        ? Path.Combine(home, ".cache", "pocl", "kcache")
        : null;
}
