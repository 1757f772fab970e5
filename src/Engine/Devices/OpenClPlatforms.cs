using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Devices;

/// <summary>Finds out why there is no OpenCL device although OpenCL is installed.</summary>
internal static class OpenClPlatforms
{
    /// <summary>The problem and what to do; null if no driver is installed.</summary>
    public static string? Problem()
    {
        var names = Names();
        if (names.Count == 0) return null;
        var installed = $"OpenCL is installed ({string.Join(", ", names)}), but offers no device";
        if (!OperatingSystem.IsLinux() || !names.Any(IsPocl)) return installed;
        if (PoclCache.Problem is { } problem) return $"{installed}: {problem}";
        return Environment.GetEnvironmentVariable("POCL_DEVICES") is { Length: > 0 } devices
            ? $"{installed}: POCL_DEVICES={devices} names none that PoCL has here; leave the variable out"
            : $"{installed}: set POCL_DEBUG=error to see why";
    }

    /// <summary>Whether a platform is PoCL.</summary>
    public static bool IsPocl(string platform) => platform.Contains("Portable Computing Language", StringComparison.Ordinal);

    private static List<string> Names()
    {
        try
        {
            if (CLAPI.CurrentAPI.GetNumPlatforms(out var count) != CLError.CL_SUCCESS || count == 0) return [];
            var platforms = new IntPtr[count];
            if (CLAPI.CurrentAPI.GetPlatforms(platforms, ref count) != CLError.CL_SUCCESS) return [];
            return [.. platforms.Take(count)
                .Select(platform => CLAPI.CurrentAPI.GetPlatformInfo(platform, CLPlatformInfoType.CL_PLATFORM_NAME).Trim())];
        }
        catch (Exception e) when (e is CLException or DllNotFoundException or EntryPointNotFoundException or NotSupportedException)
        {
            return [];
        }
    }
}
