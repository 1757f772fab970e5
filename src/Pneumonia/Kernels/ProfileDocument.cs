using Convolve.Inspection.Profiling;
using Convolve.Inspection.PtxMachine.Counting;

namespace Convolve.Pneumonia.Kernels;

/// <summary>What <c>kernels profile --json</c> prints.</summary>
/// <param name="Kernel">The kernel; of a case the dearest one.</param>
/// <param name="Gpu">The GPU.</param>
/// <param name="Work">What the launch is a part of.</param>
/// <param name="Grid">Groups of the launch in three directions.</param>
/// <param name="GroupSize">Threads of a group in three directions.</param>
/// <param name="ExecutedGroups">The groups that were executed; what they cost stands for all.</param>
/// <param name="Instructions">Machine instructions of warps by class.</param>
/// <param name="PerMultiplyAdd">Machine instructions of a thread for each multiply-add; null without any.</param>
/// <param name="SharedWavefronts">Wavefronts of shared memory.</param>
/// <param name="MinimalSharedWavefronts">The same without bank conflicts.</param>
/// <param name="Sectors">Sectors of 32 bytes of global memory.</param>
/// <param name="MinimalSectors">Sectors that would do for the same bytes.</param>
/// <param name="SectorsPerRequest">Sectors of a warp's load or store; null without any.</param>
/// <param name="GlobalBytes">Bytes that threads load and store in global memory.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SpilledBytes">Bytes of a thread that do not fit into registers.</param>
/// <param name="Occupancy">Groups resident on a multiprocessor, their share of its threads, and what limits them.</param>
/// <param name="Findings">What the sanitizer found.</param>
/// <param name="PredictedMilliseconds">The launch's time.</param>
/// <param name="LimitedBy">The bound that takes longest.</param>
/// <param name="Bounds">Milliseconds that each bound alone would take.</param>
/// <param name="Lines">The lines of C#, dearest first.</param>
public sealed record ProfileDocument(
    string Kernel, string Gpu, string Work, int[] Grid, int[] GroupSize, int ExecutedGroups, IReadOnlyDictionary<string, long> Instructions,
    double? PerMultiplyAdd, long SharedWavefronts, long MinimalSharedWavefronts, long Sectors, long MinimalSectors,
    double? SectorsPerRequest,
    long GlobalBytes, int Registers, int SpilledBytes, ProfileOccupancy Occupancy, IReadOnlyList<string> Findings,
    double PredictedMilliseconds, string LimitedBy, IReadOnlyDictionary<string, double> Bounds, IReadOnlyList<ProfileLine> Lines)
{
    /// <summary>The case; null for a kernel.</summary>
    public string? Case { get; init; }

    /// <summary>The time of the whole case; null for a kernel.</summary>
    public double? CasePredictedMilliseconds { get; init; }

    /// <summary>The kernels of the case, dearest first; null for a kernel.</summary>
    public IReadOnlyList<LaunchedKernel>? Launches { get; init; }

    internal static ProfileDocument Of(KernelProfile profile)
    {
        var (launch, counts, prediction) = (profile.Launch, profile.Counts, profile.Prediction);
        return new ProfileDocument(profile.Kernel.Name, profile.Gpu.Name, profile.Work,
            [launch.Grid.X, launch.Grid.Y, launch.Grid.Z], [launch.GroupSize.X, launch.GroupSize.Y, launch.GroupSize.Z],
            launch.ExecutedGroups,
            profile.Instructions.ToDictionary(count => NameOf(count.Key), count => count.Value), profile.InstructionsPerMultiplyAdd,
            counts.SharedWavefronts, profile.MinimalWavefronts, counts.GlobalSectors, profile.MinimalSectors, profile.SectorsPerRequest,
            profile.GlobalBytes, prediction.Registers.Count, prediction.Registers.SpilledBytes,
            new ProfileOccupancy(prediction.Occupancy.Groups, prediction.Occupancy.Share, prediction.Occupancy.LimitedBy),
            [.. profile.Findings.Select(finding => finding.ToString())], prediction.Microseconds / 1000, NameOf(prediction.Limit),
            prediction.Bounds.ToDictionary(bound => NameOf(bound.Key), bound => bound.Value / 1000),
            [.. profile.Lines.Select(ProfileLine.Of)]);
    }

    private static string NameOf<T>(T value) where T : struct, Enum =>
        System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(value.ToString());
}

/// <summary>Groups resident on a multiprocessor.</summary>
/// <param name="Groups">Their number.</param>
/// <param name="Share">Their threads as a fraction of the most that it holds.</param>
/// <param name="LimitedBy">What runs out first.</param>
public sealed record ProfileOccupancy(int Groups, double Share, string LimitedBy);

/// <summary>A line of C# with its costs.</summary>
/// <param name="File">Its file in the repository; null for instructions without a line.</param>
/// <param name="Line">Its number.</param>
/// <param name="Text">What stands there.</param>
/// <param name="Instructions">Machine instructions of warps.</param>
/// <param name="SharedWavefronts">Wavefronts of shared memory.</param>
/// <param name="MinimalSharedWavefronts">The same without bank conflicts.</param>
/// <param name="Sectors">Sectors of global memory.</param>
/// <param name="MinimalSectors">Sectors that would do.</param>
public sealed record ProfileLine(
    string? File, int? Line, string? Text, long Instructions, long SharedWavefronts, long MinimalSharedWavefronts, long Sectors,
    long MinimalSectors)
{
    internal static ProfileLine Of(LineCost cost) => new(cost.Line?.File, cost.Line?.Number, cost.Text, cost.Instructions, cost.Wavefronts,
        cost.MinimalWavefronts, cost.Sectors, cost.MinimalSectors);
}

/// <summary>A kernel of a case.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Count">How often it is launched.</param>
/// <param name="PredictedMilliseconds">Of all launches together.</param>
/// <param name="LimitedBy">What limits its dearest launch.</param>
public sealed record LaunchedKernel(string Kernel, int Count, double PredictedMilliseconds, string LimitedBy)
{
    internal static LaunchedKernel Of(CaseKernel kernel) => new(kernel.Kernel.Name, kernel.Launches.Count, kernel.Milliseconds,
        System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(kernel.Launches[0].Prediction.Limit.ToString()));
}
