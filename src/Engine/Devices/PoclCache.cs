using System.Runtime.Versioning;

namespace Convolve.Engine.Devices;

/// <summary>
/// Makes sure that PoCL can write: it keeps compiled kernels on disk, and where it cannot it offers no device, without a word. Its folder
/// is <c>$POCL_CACHE_DIR</c>, else <c>$XDG_CACHE_HOME/pocl/kcache</c>, else <c>$HOME/.cache/pocl/kcache</c>.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class PoclCache
{
    private const string Variable = "POCL_CACHE_DIR";

    /// <summary>Why PoCL offers no device, if it is for want of a folder; null if it has one.</summary>
    public static string? Problem { get; private set; }

    /// <summary>
    /// Has an effect only before the OpenCL library is loaded. A folder that the user has named for PoCL stands; else a folder that cannot
    /// be written to is replaced by one for temporary files.
    /// </summary>
    /// <returns>Which folder is used instead of the usual one.</returns>
    public static IEnumerable<string> Prepare()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } own)
        {
            if (!WritableFolder.CanBe(own)) Problem = $"PoCL keeps compiled kernels in a folder, and {Variable}={own} cannot be written to; name another, or leave the variable out";
            yield break;
        }
        var usual = UsualFolder();
        if (usual is not null && WritableFolder.CanBe(usual)) yield break;
        var without = usual is null ? "there is no home" : $"{usual} cannot be written to";
        if (WritableFolder.Temporary("pocl") is not { } temporary)
        {
            Problem = $"PoCL keeps compiled kernels in a folder, and {without}, nor can {Path.GetTempPath()}; name a folder with {Variable}";
            yield break;
        }
        NativeEnvironment.Set(Variable, temporary);
        yield return $"PoCL keeps its compiled kernels in {temporary}, since {without}";
    }

    // A home that does not exist is none: PoCL would make it if it may.
    private static string? UsualFolder() =>
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? Path.Combine(cache, "pocl", "kcache")
        : Environment.GetEnvironmentVariable("HOME") is { Length: > 0 } home && Directory.Exists(home) ? Path.Combine(home, ".cache", "pocl", "kcache")
        : null;
}
