using Convolve.Engine.Devices;

namespace Convolve.Engine.Kernels;

/// <summary>
/// A kernel: a struct whose fields are its arguments and whose <see cref="Run"/> computes one item.
/// <see cref="Device.Launch{TKernel}(int, TKernel)"/> compiles it for the device and runs it for every item.
/// </summary>
/// <remarks>
/// <see cref="Run"/> is turned into the device's code, so it is plain C# on numbers: no classes, no strings, no allocation, no exceptions;
/// functions of <see cref="MathF"/>. Items run in any order and at the same time: each writes only what no other item reads or writes.
/// A kernel outside the engine is a public struct and sees tensors as <see cref="Tensors.Values"/>.
/// </remarks>
public interface IKernel
{
    /// <summary>Computes one item, counted from 0.</summary>
    void Run(int item);
}

/// <summary>The loop over the items of an <see cref="IKernel"/>.</summary>
internal struct Items<TShape, TKernel> : IGroupKernel
    where TShape : struct, IWorkShape
    where TKernel : struct, IKernel
{
    public int Count;
    public TKernel Kernel;

    public void Run()
    {
        for (var i = TShape.First; i < TShape.End(Count); i += TShape.Step) Kernel.Run(i);
    }
}
