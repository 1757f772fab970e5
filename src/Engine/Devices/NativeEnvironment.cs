using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Convolve.Engine.Devices;

/// <summary>
/// The environment that native libraries read: .NET keeps a copy of its own from the start of the process on, and a change to that never
/// reaches them.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class NativeEnvironment
{
    /// <summary>Sets a variable, whatever it was.</summary>
    public static void Set(string name, string value) => _ = SetVariable(name, value, 1);

    /// <summary>Removes a variable.</summary>
    public static void Remove(string name) => _ = RemoveVariable(name);

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetVariable(string name, string value, int overwrite);

    [DllImport("libc", EntryPoint = "unsetenv")]
    private static extern int RemoveVariable(string name);
}
