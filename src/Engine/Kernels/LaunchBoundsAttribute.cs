namespace Convolve.Engine.Kernels;

/// <summary>
/// How a kernel with a fixed group size is launched, for NVIDIA's assembler: it keeps the registers of a thread few enough for that many
/// groups to be resident on a multiprocessor, instead of taking up to 255 of them.
/// </summary>
/// <param name="threads">Threads of a group.</param>
/// <param name="groups">Groups that a multiprocessor should hold at once.</param>
[AttributeUsage(AttributeTargets.Struct)]
internal sealed class LaunchBoundsAttribute(int threads, int groups) : Attribute
{
    public int Threads { get; } = threads;

    public int Groups { get; } = groups;
}
