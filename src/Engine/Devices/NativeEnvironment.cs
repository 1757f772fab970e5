using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Convolve.Engine.Devices;

/// <summary>
/// The environment that native libraries read: .NET copies it when the process starts, and changes to that copy never
/// reach them.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class NativeEnvironment
{
    /// <summary>Sets a variable, replacing any value.</summary>
    public static void Set(string name, string value) => _ = SetVariable(name, value, 1);

    /// <summary>Removes a variable.</summary>
    public static void Remove(string name) => _ = RemoveVariable(name);

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetVariable(string name, string value, int overwrite);

    [DllImport("libc", EntryPoint = "unsetenv")]
    private static extern int RemoveVariable(string name);
}
