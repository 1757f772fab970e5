using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The right factor of the input's gradient: the kernel with its channels swapped, so that it is packed as fast as it is
/// stored.</summary>
internal static class KernelTranspose
{
    /// <summary>Rents a buffer and swaps a kernel's channels into it; the caller releases it.</summary>
    public static DeviceBuffer Rent(Device device, ArrayView<float> kernel, ConvolutionGeometry g)
    {
        var swapped = device.Pool.Rent(kernel.Length);
        var view = swapped.View(kernel.IntLength);
        if (device.Shape == KernelShape.Cpu)
            device.Kernels.ForEachGroup(
                new(Rounding.CeilDiv(g.OutputChannels, SwapSquares.Square), g.KernelHeight * g.KernelWidth),
                new SwapSquares { Kernel = kernel, Swapped = view, Geometry = g });
        else
        {
            var swap = new SwapChannels { Kernel = kernel, Swapped = view, Geometry = g };
            device.Kernels.ForEach(swap.InSquares ? kernel.IntLength / 16 : kernel.IntLength, swap);
        }
        return swapped;
    }
}

// w [KH,KW,C,K], swapped [KH,KW,K,C]; CPU variant: a work item swaps all input channels of one tap and 16 output channels
[Kernel("kernel-transpose-squares", "convolution", Target = KernelTarget.Cpu)]
internal struct SwapSquares : IGroupKernel
{
    /// <summary>Side of the squares that are swapped at a time: few enough cache lines to stay cached.</summary>
    public const int Square = 16;

    public ArrayView<float> Kernel, Swapped;
    public ConvolutionGeometry Geometry;

    public readonly void Run()
    {
        var (g, kernel, swapped) = (Geometry, Kernel, Swapped);
        var first = Grid.IdxX * Square;
        var end = IntrinsicMath.Min(g.OutputChannels, first + Square);
        for (var c0 = 0; c0 < g.InputChannels; c0 += Square)
        {
            var endChannel = IntrinsicMath.Min(g.InputChannels, c0 + Square);
            for (var k = first; k < end; k++)
                for (var c = c0; c < endChannel; c++)
                    swapped[(Grid.IdxY * g.OutputChannels + k) * g.InputChannels + c] =
                        kernel[(Grid.IdxY * g.InputChannels + c) * g.OutputChannels + k];
        }
    }
}

// the same; an item is a square of 4 × 4 if both channels are multiples of four, else one element
[Kernel("kernel-transpose", "convolution")]
[KernelTraits(IsHot = true, HasVectorLoads = true)]
internal struct SwapChannels : IKernel
{
    public ArrayView<float> Kernel, Swapped;
    public ConvolutionGeometry Geometry;

    public readonly bool InSquares => ((Geometry.InputChannels | Geometry.OutputChannels) & 3) == 0;

    public readonly void Run(int i)
    {
        var g = Geometry;
        if (InSquares)
        {
            var across = g.InputChannels / 4;
            var c = i % across * 4;
            var k = i / across % (g.OutputChannels / 4) * 4;
            var tap = i / across / (g.OutputChannels / 4);
            var source = (tap * g.InputChannels + c) * g.OutputChannels + k;
            var target = (tap * g.OutputChannels + k) * g.InputChannels + c;
            var a = Float4.Load(Kernel, source);
            var b = Float4.Load(Kernel, source + g.OutputChannels);
            var d = Float4.Load(Kernel, source + 2 * g.OutputChannels);
            var e = Float4.Load(Kernel, source + 3 * g.OutputChannels);
            Float4.Store(Swapped, target, new Float4 { X = a.X, Y = b.X, Z = d.X, W = e.X });
            Float4.Store(Swapped, target + g.InputChannels, new Float4 { X = a.Y, Y = b.Y, Z = d.Y, W = e.Y });
            Float4.Store(Swapped, target + 2 * g.InputChannels, new Float4 { X = a.Z, Y = b.Z, Z = d.Z, W = e.Z });
            Float4.Store(Swapped, target + 3 * g.InputChannels, new Float4 { X = a.W, Y = b.W, Z = d.W, W = e.W });
        }
        else
        {
            var c = i % g.InputChannels;
            var k = i / g.InputChannels % g.OutputChannels;
            var tap = i / g.InputChannels / g.OutputChannels;
            Swapped[i] = Kernel[(tap * g.InputChannels + c) * g.OutputChannels + k];
        }
    }
}
