using System.Runtime.InteropServices;

namespace Convolve.Engine.Devices;

/// <summary>
/// Asks PoCL to give each of its threads a core of its own. A launch wakes all of them at once, and Linux often puts two on one core
/// and leaves them there until its next tick, 4 ms later: a kernel of 7 ms then takes 11 (docs/performance.md).
/// </summary>
internal static class PoclThreads
{
    private const string Variable = "POCL_AFFINITY";

    /// <summary>Has an effect only before the OpenCL library is loaded; a user's own setting of the variable stands.</summary>
    public static void GiveEachACore()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(Variable) is not null || !AllCoresAreOurs()) return;
        // .NET keeps the environment in a copy of its own; a native library reads the C library's.
        _ = SetVariable(Variable, "1", 0);
    }

    /// <summary>PoCL numbers its cores from zero; where a container lends us others, it could not pin to them.</summary>
    private static bool AllCoresAreOurs()
    {
        const string Key = "Cpus_allowed_list:";
        try
        {
            var allowed = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
            return allowed?[Key.Length..].Trim() == $"0-{Directory.GetDirectories("/sys/devices/system/cpu", "cpu*").Count(IsCore) - 1}";
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsCore(string path) => path[(path.LastIndexOf('/') + "/cpu".Length)..].All(char.IsAsciiDigit);

    [DllImport("libc", EntryPoint = "setenv")]
    private static extern int SetVariable(string name, string value, int overwrite);
}
