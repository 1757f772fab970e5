using System.Globalization;
using System.Runtime.Versioning;

namespace Convolve.Engine.Devices;

/// <summary>
/// Makes PoCL pin each of its threads to its own core. A launch wakes all of them at once, and Linux often puts two on one core
/// and leaves them there until its next tick, 4 ms later: a kernel of 7 ms then takes 11 (docs/performance.md).
/// </summary>
[SupportedOSPlatform("linux")]
internal static class PoclThreads
{
    private const string Affinity = "POCL_AFFINITY";

    /// <summary>The variables for the number of threads, in PoCL 3 and 4 and in later versions.</summary>
    private static readonly string[] counts = ["POCL_MAX_PTHREAD_COUNT", "POCL_CPU_MAX_CU_COUNT"];

    /// <summary>More threads per core than this are a mistake: each takes memory, and none makes anything faster.</summary>
    private const int MostThreadsPerCore = 4;

    /// <summary>
    /// Effective only before the OpenCL library is loaded. A user's own settings are kept unless PoCL would crash, which it does for
    /// a thread without a core to be pinned to, and for a number of threads below zero or far too large.
    /// </summary>
    /// <returns>The changes to the user's settings.</returns>
    public static IEnumerable<string> Prepare()
    {
        var cores = Directory.GetDirectories("/sys/devices/system/cpu", "cpu*").Count(IsCore);
        var threads = cores;
        foreach (var variable in counts)
        {
            if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } value) continue;
            if (ThreadsOf(value, cores) is { } asked)
            {
                threads = Math.Max(threads, asked);
                continue;
            }
            NativeEnvironment.Remove(variable);
            yield return $"{variable}={value} is left out: here it must be a whole number from 1 to {cores * MostThreadsPerCore}; PoCL "
                + "takes a thread for each core";
        }
        // PoCL numbers cores from zero; it cannot pin if a container has other cores, or if there are more threads.
        var canPin = threads <= cores && AreAllOurs(cores);
        var own = Environment.GetEnvironmentVariable(Affinity);
        if (own is null && canPin) NativeEnvironment.Set(Affinity, "1");
        if (own is null or "0" or "" || canPin) yield break;
        NativeEnvironment.Set(Affinity, "0");
        yield return $"{Affinity}={own} is left out, since there is no core for each of PoCL's threads here";
    }

    /// <summary>The number of threads in a setting; null if invalid.</summary>
    internal static int? ThreadsOf(string value, int cores) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var threads) && threads >= 1
            && threads <= cores * MostThreadsPerCore
            ? threads
            : null;

    private static bool AreAllOurs(int cores)
    {
        const string Key = "Cpus_allowed_list:";
        try
        {
            var allowed = File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Key, StringComparison.Ordinal));
            return allowed?[Key.Length..].Trim() == (cores == 1 ? "0" : $"0-{cores - 1}");
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsCore(string path) => path[(path.LastIndexOf('/') + "/cpu".Length)..] is { Length: > 0 } number
        && number.All(char.IsAsciiDigit);
}
