namespace Convolve.Inspection.Prediction;

/// <summary>What may hold a launch up.</summary>
public enum Bound
{
    /// <summary>A scheduler issues one instruction a clock.</summary>
    Issue,

    /// <summary>Multiply-adds of float32 and products of integers.</summary>
    FloatPipe,

    /// <summary>Arithmetic of integers, logic, comparisons.</summary>
    IntegerPipe,

    /// <summary>Roots, exponentials and conversions.</summary>
    SpecialPipe,

    /// <summary>Tensor cores.</summary>
    TensorPipe,

    /// <summary>Wavefronts of shared memory, and sectors on their way between registers and caches.</summary>
    SharedMemory,

    /// <summary>Bandwidth of the L2 cache.</summary>
    L2Cache,

    /// <summary>Bandwidth of the GPU's memory.</summary>
    Dram,

    /// <summary>What a warp waits for by itself, which other warps would have to fill.</summary>
    Latency,
}

/// <summary>The time of a launch on a GPU.</summary>
/// <param name="Name">The kernel's name in C#.</param>
/// <param name="Microseconds">From the start of the first group to the end of the last.</param>
/// <param name="Bounds">What each bound alone would take, in microseconds.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="Occupancy">Groups that are on a multiprocessor at once.</param>
/// <param name="Groups">Groups of the launch.</param>
/// <param name="Waves">Rounds in which the fullest multiprocessor executes its groups.</param>
/// <param name="MachineInstructions">Machine instructions of warps.</param>
public sealed record LaunchPrediction(
    string Name, double Microseconds, IReadOnlyDictionary<Bound, double> Bounds, Assembly.RegisterEstimate Registers, Occupancy Occupancy,
    long Groups, int Waves, double MachineInstructions)
{
    /// <summary>The bound that takes longest.</summary>
    public Bound Limit => Bounds.MaxBy(bound => bound.Value).Key;
}
