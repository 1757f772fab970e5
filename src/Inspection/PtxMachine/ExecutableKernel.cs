using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine;

/// <summary>What a launch has done, besides what it left in memory.</summary>
/// <param name="Findings">Faults, each kind once a line.</param>
/// <param name="Recorded">The launch with its counts; null unless it was asked to count.</param>
public sealed record LaunchResult(IReadOnlyList<Finding> Findings, RecordedLaunch? Recorded)
{
    /// <summary>What was executed; null unless it was asked for.</summary>
    public LaunchCounts? Counts => Recorded?.Counts;
}

/// <summary>A kernel that can be executed without a GPU: its PTX, translated to .NET code once.</summary>
/// <remarks>A launch uses only what is its own, so any number of threads may launch the same kernel.</remarks>
public sealed class ExecutableKernel
{
    private readonly PtxProgram program;

    private readonly Lazy<PtxProgram> counting;

    private ExecutableKernel(PtxKernel kernel)
    {
        program = new PtxProgram(kernel);
        counting = new Lazy<PtxProgram>(() => new PtxProgram(kernel, AddressSlice.Of(kernel)));
    }

    /// <summary>The kernel as its text has it.</summary>
    public PtxKernel Kernel => program.Kernel;

    /// <summary>Translates a kernel.</summary>
    /// <param name="ptx">Its text.</param>
    /// <param name="name">Its name in findings, where it is not that of its entry.</param>
    /// <exception cref="PtxException">The text is not understood, or has an instruction that the machine does not have.</exception>
    public static ExecutableKernel Of(string ptx, string? name = null)
    {
        var kernel = PtxKernel.Parse(ptx);
        return new ExecutableKernel(name is null ? kernel : kernel with { Name = name });
    }

    /// <summary>Executes the kernel for all threads of a grid.</summary>
    /// <param name="memory">What its addresses mean.</param>
    /// <param name="grid">Groups.</param>
    /// <param name="groupSize">Threads of a group.</param>
    /// <param name="parameters">The arguments as they lie in parameter memory.</param>
    /// <param name="options">What to watch; by default the sanitizer is on.</param>
    /// <exception cref="KernelFaultException">A fault after which the kernel cannot go on, such as an access outside of every
    /// array.</exception>
    /// <exception cref="ArgumentException">The arguments or the group's size do not fit the kernel.</exception>
    public LaunchResult Launch(GlobalMemory memory, Extent grid, Extent groupSize, ReadOnlySpan<byte> parameters,
        LaunchOptions? options = null)
    {
        Check(groupSize, parameters);
        var launch = new Launch(program, memory, grid, groupSize, parameters.ToArray(), options ?? new LaunchOptions());
        launch.Run();
        return new LaunchResult(launch.Findings, launch.Counters is { } counters
            ? new RecordedLaunch(Kernel.Name, grid, groupSize, launch.Parameters, counters.Traffic(), counters.Counts(), (int)grid.Size)
            : null);
    }

    /// <summary>
    /// Counts what a launch would execute, by a few groups of its grid and without values: nothing is read or written, and nothing is
    /// computed but branches and addresses. Where a branch or an address depends on what arrays hold, they count as full of zeros.
    /// </summary>
    /// <param name="memory">What its addresses mean; its arrays need no memory.</param>
    /// <param name="grid">Groups.</param>
    /// <param name="groupSize">Threads of a group.</param>
    /// <param name="parameters">The arguments as they lie in parameter memory.</param>
    /// <exception cref="ArgumentException">The arguments or the group's size do not fit the kernel.</exception>
    public RecordedLaunch Sample(GlobalMemory memory, Extent grid, Extent groupSize, ReadOnlySpan<byte> parameters)
    {
        Check(groupSize, parameters);
        var options = new LaunchOptions(Sanitize: false, Count: true);
        var launch = new Launch(counting.Value, memory, grid, groupSize, parameters.ToArray(), options);
        using var group = new ThreadGroup(launch);
        var sampling = new GroupSampling(launch, group);
        var counters = sampling.Run();
        return new RecordedLaunch(
            Kernel.Name, grid, groupSize, launch.Parameters, counters.Traffic(), counters.Counts(), sampling.Executed);
    }

    private void Check(Extent groupSize, ReadOnlySpan<byte> parameters)
    {
        if (parameters.Length != Kernel.ParameterBytes)
            throw new ArgumentException($"{Kernel.Name}: takes {Kernel.ParameterBytes} bytes of arguments, not {parameters.Length}");
        if (groupSize.Size < 1 || groupSize.Size > (Kernel.MaximalThreads ?? 1024))
            throw new ArgumentException(
                $"{Kernel.Name}: runs with 1 to {Kernel.MaximalThreads ?? 1024} threads a group, not {groupSize.Size}");
    }
}
