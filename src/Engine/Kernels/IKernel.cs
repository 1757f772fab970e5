using Convolve.Engine.Devices;

namespace Convolve.Engine.Kernels;

/// <summary>
/// A kernel of one's own: a public struct whose fields are what it reads and writes (<see cref="Tensors.Values"/>, numbers), and whose
/// <see cref="Run"/> computes one item. <see cref="Device.Launch{TKernel}(int, TKernel)"/> compiles it for the device and runs it for every item.
/// </summary>
/// <remarks>
/// <see cref="Run"/> is turned into the device's code, so it is plain C# on numbers: no classes, no strings, no allocation, no exceptions;
/// functions of <see cref="MathF"/>. Items run in any order and side by side: each writes what no other item reads or writes.
/// </remarks>
public interface IKernel
{
    /// <summary>Computes one item, counted from 0.</summary>
    void Run(int item);
}

/// <summary>The loop around a kernel of one's own, in the shape for processors and in that for GPUs.</summary>
internal static class KernelLoop
{
    public static void Run<TShape, TKernel>(TKernel kernel, int items)
        where TShape : struct, IWorkShape
        where TKernel : struct, IKernel
    {
        for (var i = TShape.First; i < TShape.End(items); i += TShape.Step) kernel.Run(i);
    }
}
