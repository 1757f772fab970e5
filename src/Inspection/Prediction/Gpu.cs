using Convolve.Engine.Devices;

namespace Convolve.Inspection.Prediction;

/// <summary>A GPU that times are predicted for.</summary>
/// <param name="Name">Its name on the command line, e.g. <c>h200</c>.</param>
/// <param name="Title">Its full name.</param>
/// <param name="Target">Its architecture, with the limits of a multiprocessor.</param>
/// <param name="Multiprocessors">Their number.</param>
/// <param name="ClockMegahertz">The clock that it keeps under load where its power and cooling allow it.</param>
/// <param name="FloatLanes">float32 multiply-adds that a multiprocessor begins in a clock.</param>
/// <param name="TensorMultiplyAdds">
/// TF32 multiply-adds that <c>mma.sync</c> does in a clock on the tensor cores of a multiprocessor; null without tensor cores for TF32.
/// </param>
/// <param name="DramGigabytesPerSecond">Bandwidth of its memory.</param>
/// <param name="L2BytesPerClock">Bytes that the L2 cache delivers in a clock to all multiprocessors together.</param>
/// <param name="L2Bytes">Size of the L2 cache.</param>
/// <param name="MemoryBytes">Size of its memory.</param>
/// <remarks>
/// NVIDIA's white papers: "H100 Tensor Core GPU Architecture" (2022), table 3; "A100 Tensor Core GPU Architecture" (2020), tables 4 and 5;
/// "Ampere GA102 GPU Architecture" (2021), appendix A; "Ada GPU Architecture" (2023), appendix A; "Turing GPU Architecture" (2018),
/// appendix C; the data sheets of H200 (2024), L4 (2023) and T4 (2019). Multiply-adds of a clock follow from the peaks printed there, the
/// clock and the number of multiprocessors. Tensor cores of Hopper reach their peak by <c>wgmma</c> only, which ILGPU does not have;
/// <c>mma.sync</c> ended at 62 % of it when it was measured on an H200. The clock of an H200 under these loads was 1980 MHz. The bandwidth
/// of the L2 cache is printed for the A100 only: 5120 bytes a clock. The same is taken for H100 and H200, 32 bytes a clock for each
/// multiprocessor of the others, half of what a multiprocessor's port can take.
/// </remarks>
public sealed record Gpu(
    string Name, string Title, CudaTarget Target, int Multiprocessors, int ClockMegahertz, int FloatLanes, double? TensorMultiplyAdds,
    double DramGigabytesPerSecond, int L2BytesPerClock, long L2Bytes, long MemoryBytes)
{
    /// <summary>Warp schedulers of a multiprocessor, each of which issues one instruction in a clock; the same since Volta.</summary>
    public const int Schedulers = 4;

    /// <summary>Bytes that shared memory moves in a clock and multiprocessor: 32 banks of four bytes.</summary>
    public const int SharedBytesPerClock = 128;

    private const long Mebibyte = 1 << 20, Gibibyte = 1 << 30;

    private const double MmaSyncOfHopper = 0.62;

    /// <summary>All that have a name.</summary>
    public static IReadOnlyList<Gpu> All { get; } =
    [
        new("h200", "NVIDIA H200 SXM", Of("sm_90"), 132, 1980, 128, 1024 * MmaSyncOfHopper, 4800, 5120, 50 * Mebibyte, 141 * Gibibyte),
        new("h100", "NVIDIA H100 SXM", Of("sm_90"), 132, 1980, 128, 1024 * MmaSyncOfHopper, 3350, 5120, 50 * Mebibyte, 80 * Gibibyte),
        new("a100", "NVIDIA A100 SXM 80 GB", Of("sm_80"), 108, 1410, 64, 512, 2039, 5120, 40 * Mebibyte, 80 * Gibibyte),
        new("rtx4090", "NVIDIA GeForce RTX 4090", Of("sm_89"), 128, 2520, 128, 128, 1008, 128 * 32, 72 * Mebibyte, 24 * Gibibyte),
        new("rtx3090", "NVIDIA GeForce RTX 3090", Of("sm_86"), 82, 1695, 128, 128, 936, 82 * 32, 6 * Mebibyte, 24 * Gibibyte),
        new("l4", "NVIDIA L4", Of("sm_89"), 58, 2040, 128, 256, 300, 58 * 32, 48 * Mebibyte, 24 * Gibibyte),
        new("t4", "NVIDIA T4", Of("sm_75"), 40, 1590, 64, null, 320, 40 * 32, 4 * Mebibyte, 16 * Gibibyte),
    ];

    /// <summary>float32 multiply-adds and sums of all multiprocessors in a second, as TFLOP/s.</summary>
    public double Teraflops => 2e-6 * FloatLanes * Multiprocessors * ClockMegahertz;

    /// <summary>The GPU of a name; upper and lower case are the same.</summary>
    /// <exception cref="ArgumentException">There is none; the message lists the names.</exception>
    public static Gpu Named(string name) => All.FirstOrDefault(gpu => gpu.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException(
            $"no figures of a GPU called '{name}' are known; there are {string.Join(", ", All.Select(gpu => gpu.Name))}");

    /// <inheritdoc/>
    public override string ToString() => Title;

    private static CudaTarget Of(string target) => CudaTarget.All.Single(known => known.Name == target);
}
