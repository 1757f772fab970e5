using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace Convolve.Engine.Devices;

/// <summary>
/// Finds the OpenCL loader. ILGPU, and the engine like it, loads a library named <c>OpenCL</c>, a name that Linux has only if a -dev
/// package is installed; users have <c>libOpenCL.so.1</c>.
/// </summary>
internal static class OpenClLibrary
{
    private static readonly string[] names = OperatingSystem.IsWindows()
        ? ["OpenCL.dll"]
        : OperatingSystem.IsMacOS()
            ? ["/System/Library/Frameworks/OpenCL.framework/OpenCL", "libOpenCL.dylib"]
            : ["libOpenCL.so.1", "libOpenCL.so"];

    private static readonly Lock gate = new();
    private static bool registered;

    /// <summary>Changes to driver settings made before the library was loaded.</summary>
    public static IReadOnlyList<string> Notes { get; private set; } = [];

    /// <summary>Registers the resolver once per process, after fixing driver settings; later calls do nothing.</summary>
    public static void Register()
    {
        lock (gate)
        {
            if (registered) return;
            if (OperatingSystem.IsLinux()) Notes = [.. PoclThreads.Prepare(), .. PoclCache.Prepare()];
            NativeLibrary.SetDllImportResolver(typeof(Context).Assembly, Resolve);
            NativeLibrary.SetDllImportResolver(typeof(OpenClLibrary).Assembly, Resolve);
            registered = true;
        }
    }

    private static IntPtr Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != "OpenCL") return IntPtr.Zero;
        foreach (var candidate in names)
            if (NativeLibrary.TryLoad(candidate, out var handle)) return handle;
        return IntPtr.Zero;
    }
}
