using Convolve.Engine.Kernels;
using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Sampling;

namespace Convolve.Inspection.Prediction;

/// <summary>
/// Predicts how long launches take on a GPU, from what they execute. Each part of a multiprocessor takes a time for a group: its
/// schedulers, its pipes, its shared memory, its share of the L2 cache and of the memory. If all worked at the same time, the slowest would
/// decide. They do not quite, so the times are joined as the root of a sum of powers, which lies between their maximum and their sum. The
/// longest warp of a group also waits for results by itself; the groups on a multiprocessor wait at the same time, so that counts once for
/// each round of groups. The multiprocessor with the most groups decides.
/// </summary>
/// <remarks>
/// Bounds and their overlap follow Hong and Kim, An Analytical Model for a GPU Architecture with Memory-level and Thread-level Parallelism
/// Awareness, 2009, and the roofline model (Williams, Waterman and Patterson, 2009). What is fitted to measurements is called so.
/// </remarks>
public sealed class TimeModel(Gpu gpu)
{
    /// <summary>Fitted to the cases measured on an H200: 1 would be no overlap, infinity all of it.</summary>
    private const double Overlap = 2.2;

    /// <summary>Bytes that move in a clock between a multiprocessor and the L2 cache ("A100 Tensor Core GPU Architecture").</summary>
    private const double PortBytes = 64;

    private const int SectorBytes = 32, WarpSize = 32, IntegerLanes = 64, SpecialLanes = 16, SectorsPerClock = 4;

    /// <summary>Products of a tensor-core instruction, m16n8k8.</summary>
    private const int TensorProducts = 16 * 8 * 8;

    /// <summary>The host's time for a launch through ILGPU, measured on an H200: 3 to 4.</summary>
    private const double LaunchMicroseconds = 3.5;

    /// <summary>Fitted: from the end of a kernel to the first instruction of the next one on the same stream.</summary>
    private const double StartMicroseconds = 2;

    /// <summary>Fitted: from the end of the last kernel until the host knows.</summary>
    private const double SynchronizationMicroseconds = 8;

    /// <summary>The GPU.</summary>
    public Gpu Gpu { get; } = gpu;

    /// <summary>Predicts a sequence of launches that ends with a synchronization, such as a training step.</summary>
    /// <returns>Microseconds, and each launch.</returns>
    public (double Microseconds, IReadOnlyList<LaunchPrediction> Launches) Predict(IReadOnlyList<RecordedLaunch> launches)
    {
        LaunchPrediction[] predictions = [.. launches.Select(Predict)];
        var end = 0.0;
        for (var i = 0; i < predictions.Length; i++)
            // The host goes on while kernels run, but no kernel begins before it is launched.
            end = Math.Max(end, (i + 1) * LaunchMicroseconds) + StartMicroseconds + predictions[i].Microseconds;
        return (end + SynchronizationMicroseconds, predictions);
    }

    /// <summary>Predicts a launch.</summary>
    public LaunchPrediction Predict(RecordedLaunch launch)
    {
        var code = MachineCode.Of(launch.Counts.Kernel);
        var groups = launch.Grid.Size;
        var threads = (int)launch.GroupSize.Size;
        var occupancy = Occupancy.Of(Gpu.Target, threads, code.Registers.Count, code.Kernel.SharedBytes);
        var active = Math.Min(groups, Gpu.Multiprocessors);
        var (ofGroup, instructions) = Throughput(launch, code, active);
        var latency = WarpTime.Of(code, block => launch.Counts.ExecutionsOfLongestWarp[code.Flow.Blocks[block].First] / (double)groups);
        // The fullest multiprocessor.
        var most = Rounding.CeilDiv(groups, Gpu.Multiprocessors);
        var resident = Math.Max(1, occupancy.Groups);
        var rounds = most / resident;
        var last = most % resident;
        var clocks = rounds * Joined(ofGroup, resident, latency) + (last > 0 ? Joined(ofGroup, last, latency) : 0);
        var waves = (int)(rounds + (last > 0 ? 1 : 0));
        var bounds = ofGroup.ToDictionary(bound => bound.Key, bound => Microseconds(bound.Value * most));
        bounds[Bound.Latency] = Microseconds(latency * waves);
        return new LaunchPrediction(launch.Name, Microseconds(clocks), bounds, code.Registers, occupancy, groups, waves, instructions);
    }

    private double Microseconds(double clocks) => clocks / Gpu.ClockMegahertz;

    private static double Joined(Dictionary<Bound, double> ofGroup, long groups, double latency) =>
        Math.Pow(ofGroup.Values.Append(latency / groups).Sum(clocks => Math.Pow(clocks * groups, Overlap)), 1 / Overlap);

    /// <summary>Clocks of a multiprocessor for a group, by what could hold it up.</summary>
    private (Dictionary<Bound, double> Clocks, double Instructions) Throughput(RecordedLaunch launch, MachineCode code, long active)
    {
        var groups = (double)launch.Grid.Size;
        var ofPipe = new double[Enum.GetValues<Pipe>().Length];
        var requests = 0.0;
        foreach (var block in code.Flow.Blocks)
        {
            var executions = launch.Counts.Executions[block.First] / groups;
            if (executions == 0) continue;
            foreach (var operation in code.Block(block.Index))
            {
                var cost = OperationCost.Of(operation);
                ofPipe[(int)cost.Pipe] += executions * cost.Instructions;
                if (cost.Pipe == Pipe.Memory && operation.Instruction.Has("global")) requests += executions;
            }
        }
        var instructions = ofPipe.Sum();
        var sectors = launch.Counts.GlobalSectors / groups;
        var loaded = launch.Arrays.Sum(array => Math.Min(array.Bytes, array.LoadedSectors * SectorBytes));
        var stored = launch.Arrays.Sum(array => Math.Min(array.Bytes, array.StoredSectors * SectorBytes));
        // What fits into the cache is still there from the launch before.
        var moved = loaded + stored > Gpu.L2Bytes ? (loaded + stored) / groups : 0;
        var dramBytes = Gpu.DramGigabytesPerSecond * 1e3 / Gpu.ClockMegahertz;
        var clocks = new Dictionary<Bound, double>
        {
            [Bound.Issue] = instructions / Gpu.Schedulers,
            [Bound.FloatPipe] = ofPipe[(int)Pipe.Float] * WarpSize / Gpu.FloatLanes
                + ofPipe[(int)Pipe.IntegerProduct] * WarpSize / IntegerLanes,
            [Bound.IntegerPipe] = ofPipe[(int)Pipe.Integer] * WarpSize / IntegerLanes,
            [Bound.SpecialPipe] = ofPipe[(int)Pipe.Special] * WarpSize / SpecialLanes,
            [Bound.SharedMemory] = launch.Counts.SharedWavefronts / groups + Math.Max(requests, sectors / SectorsPerClock),
            [Bound.L2Cache] = sectors * SectorBytes / Math.Min(PortBytes, (double)Gpu.L2BytesPerClock / active),
            [Bound.Dram] = moved / Math.Min(PortBytes, dramBytes / active),
        };
        if (ofPipe[(int)Pipe.Tensor] > 0)
            clocks[Bound.TensorPipe] = ofPipe[(int)Pipe.Tensor] * TensorProducts / (Gpu.TensorMultiplyAdds
                ?? throw new ArgumentException($"{launch.Name}: {Gpu} has no tensor cores for TF32"));
        return (clocks, instructions * groups);
    }
}
