using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.Prediction;
using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Profiling;

/// <summary>What a launch of a kernel costs, in all and line by line.</summary>
public sealed class KernelProfile
{
    private KernelProfile(CataloguedKernel kernel, Gpu gpu, string work, RecordedLaunch launch, IReadOnlyList<Finding> findings)
    {
        Kernel = kernel;
        Gpu = gpu;
        Work = work;
        Launch = launch;
        Findings = findings;
        Prediction = new TimeModel(gpu).Predict(launch);
        var machine = new MachineCounts(launch.Counts);
        Instructions = machine.ByClass;
        var lines = new SourceLines(launch.Counts.Kernel);
        HasLines = lines.Known;
        Lines = lines.Known ? LinesOf(launch.Counts, machine, lines) : [];
    }

    /// <summary>The kernel.</summary>
    public CataloguedKernel Kernel { get; }

    /// <summary>The GPU.</summary>
    public Gpu Gpu { get; }

    /// <summary>What the launch is a part of, in words.</summary>
    public string Work { get; }

    /// <summary>The launch with its counts.</summary>
    public RecordedLaunch Launch { get; }

    /// <summary>What the launch executed.</summary>
    public LaunchCounts Counts => Launch.Counts;

    /// <summary>How long the launch takes, what limits it, and how many registers and groups it has.</summary>
    public LaunchPrediction Prediction { get; }

    /// <summary>
    /// Machine instructions of warps by class: NVIDIA's assembler fuses products with sums and drops most copies, which is modelled.
    /// </summary>
    public IReadOnlyDictionary<InstructionClass, long> Instructions { get; }

    /// <summary>Machine instructions of a thread for each multiply-add; null where there are none.</summary>
    public double? InstructionsPerMultiplyAdd => Counts.MultiplyAdds == 0 ? null : Instructions.Values.Sum() * 32.0 / Counts.MultiplyAdds;

    /// <summary>What the sanitizer found in the kernel, at a small size.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>Whether the costs are known line by line: the engine's symbols (.pdb) lie beside its assembly.</summary>
    public bool HasLines { get; }

    /// <summary>The lines of C# with what they cost, dearest first; the last ones may have no line of their own.</summary>
    public IReadOnlyList<LineCost> Lines { get; }

    /// <summary>Wavefronts that shared memory would take without bank conflicts.</summary>
    public long MinimalWavefronts => Counts.Accesses.Sum(access => access.MinimalWavefronts);

    /// <summary>Sectors that would do if neighbouring threads accessed neighbouring bytes, at aligned addresses.</summary>
    public long MinimalSectors => Counts.Accesses.Sum(access => access.MinimalSectors);

    /// <summary>Requests of warps to global memory.</summary>
    public long GlobalRequests => Counts.Accesses.Where(access => access.Sectors > 0).Sum(access => access.Requests);

    /// <summary>Bytes that threads read and write in global memory.</summary>
    public long GlobalBytes => Counts.Accesses.Where(access => access.Sectors > 0).Sum(access => access.Bytes);

    /// <summary>Sectors of a warp's load or store; null without any.</summary>
    public double? SectorsPerRequest => GlobalRequests == 0 ? null : (double)Counts.GlobalSectors / GlobalRequests;

    /// <summary>Profiles a kernel in the work that is usual for it.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="gpu">The GPU.</param>
    /// <exception cref="ArgumentException">The kernel has no form for GPUs, or needs a newer architecture.</exception>
    public static KernelProfile Of(CataloguedKernel kernel, Gpu gpu)
    {
        var work = WorkOf(kernel, gpu);
        return Of(kernel, gpu, work, work.Operation.Title, work.Count(gpu));
    }

    /// <summary>Profiles a kernel by a launch that has been counted.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="gpu">The GPU it was counted for.</param>
    /// <param name="work">What the launch is a part of, in words.</param>
    /// <param name="launch">The launch, on a device that compiles with lines: see <see cref="PtxMachine.Devices.PtxDevice"/>.</param>
    public static KernelProfile Of(CataloguedKernel kernel, Gpu gpu, string work, RecordedLaunch launch) =>
        Of(kernel, gpu, WorkOf(kernel, gpu), work, launch);

    private static KernelProfile Of(CataloguedKernel kernel, Gpu gpu, KernelWork work, string title, RecordedLaunch launch)
    {
        return new KernelProfile(kernel, gpu, title, launch, work.Sanitize(gpu.Target));
    }

    private static KernelWork WorkOf(CataloguedKernel kernel, Gpu gpu)
    {
        if (kernel.Gpu is null) throw new ArgumentException($"{kernel} has no form for GPUs: CUDA never runs it");
        if (gpu.Target.Number < kernel.MinimalArchitecture.Number)
            throw new ArgumentException($"{kernel} needs {kernel.MinimalArchitecture} or newer, but {gpu.Name} is {gpu.Target}");
        return KernelWork.All.TryGetValue(kernel.Gpu, out var work)
            ? work
            : throw new InvalidOperationException($"{kernel}: {nameof(OperationWork)} has no work that launches it");
    }

    private static IReadOnlyList<LineCost> LinesOf(LaunchCounts counts, MachineCounts machine, SourceLines lines)
    {
        var accesses = counts.Accesses.ToLookup(access => access.Instruction.Line);
        return
        [
            .. counts.Kernel.Instructions.Select((instruction, i) => (instruction, Line: lines[i], Executions: machine.Of(i)))
                .GroupBy(each => each.Line)
                .Select(group => new LineCost(
                    group.Key, group.Key is null ? null : SourceLines.TextOf(group.Key), group.Sum(each => each.Executions),
                    [.. group.Where(each => IsAccess(each.instruction)).SelectMany(each => accesses[each.instruction.Line]).Distinct()]))
                .Where(line => line.Instructions > 0 || line.Accesses.Count > 0)
                .OrderByDescending(line => line.Instructions),
        ];
    }

    private static bool IsAccess(PtxInstruction instruction) => instruction.Has("global") || instruction.Has("shared");
}

/// <summary>What a line of C# costs.</summary>
/// <param name="Line">The line; null for instructions without one.</param>
/// <param name="Text">What stands there; null if the source is not among the engine's resources.</param>
/// <param name="Instructions">Machine instructions of warps.</param>
/// <param name="Accesses">Its accesses to global and shared memory.</param>
public sealed record LineCost(SourceLine? Line, string? Text, long Instructions, IReadOnlyList<AccessCount> Accesses)
{
    /// <summary>Wavefronts of shared memory.</summary>
    public long Wavefronts => Accesses.Sum(access => access.Wavefronts);

    /// <summary>Wavefronts without bank conflicts.</summary>
    public long MinimalWavefronts => Accesses.Sum(access => access.MinimalWavefronts);

    /// <summary>Sectors of global memory.</summary>
    public long Sectors => Accesses.Sum(access => access.Sectors);

    /// <summary>Sectors that would do for the same bytes.</summary>
    public long MinimalSectors => Accesses.Sum(access => access.MinimalSectors);
}
