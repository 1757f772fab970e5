using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;
using Device = Convolve.Engine.Devices.Device;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// A convolution as a matrix product whose left factor exists only block by block: row = output pixel, depth = (kh, kw, c), the
/// patch of the image under the kernel. <c>im2col</c> without its memory.
/// </summary>
internal readonly partial struct InputPatches(ArrayView<float> input, ConvolutionGeometry geometry) : ILeftOperand
{
    private readonly ArrayView<float> input = input;
    private readonly ConvolutionGeometry geometry = geometry;

    public static bool RowsAreContiguous => false;

    public static bool RowsAreInMemory => false;

    public ArrayView<float> Memory => input;

    public int RowStride => 0;

    // input [N,H,W,C] → block[at…] = patch of output pixel `row`, from (kh, kw, c) = depth on
    public void Copy(int row, int depth, int count, ArrayView<float> block, int at)
    {
        var g = geometry;
        var line = row / g.OutputWidth;
        var left = (row - line * g.OutputWidth) * g.Stride - g.PaddingLeft;
        var n = line / g.OutputHeight;
        var top = (line - n * g.OutputHeight) * g.Stride - g.PaddingTop;
        // Where no tap leaves the image sideways, a whole kernel row (kw, c) is one run of memory; else a run ends with each tap.
        var wholeRows = left >= 0 & left + g.KernelWidth <= g.Width;
        for (var done = 0; done < count;)
        {
            var tap = (depth + done) / g.InputChannels;
            var c = depth + done - tap * g.InputChannels;
            var kh = tap / g.KernelWidth;
            var kw = tap - kh * g.KernelWidth;
            var h = top + kh;
            var w = left + kw;
            var run = (wholeRows ? g.KernelWidth - kw : 1) * g.InputChannels - c;
            run = IntrinsicMath.Min(run, count - done);
            var target = at + done;
            if (h >= 0 & h < g.Height & w >= 0 & w < g.Width)
            {
                var source = ((n * g.Height + h) * g.Width + w) * g.InputChannels + c;
                for (var i = 0; i < run; i++) block[target + i] = input[source + i];
            }
            else
            {
                for (var i = 0; i < run; i++) block[target + i] = 0;
            }
            done += run;
        }
    }
}

/// <summary>The same patches transposed, for the kernel's gradient: row = (kh, kw, c), depth = output pixel.</summary>
internal readonly partial struct InputPatchesTransposed(ArrayView<float> input, ConvolutionGeometry geometry) : ILeftOperand
{
    private readonly InputPatches patches = new(input, geometry);

    public static bool RowsAreContiguous => true;

    public static bool RowsAreInMemory => false;

    public ArrayView<float> Memory => patches.Memory;

    public int RowStride => 0;

    public void Copy(int row, int depth, int count, ArrayView<float> block, int at) => patches.Copy(depth, row, count, block, at);
}

/// <summary>
/// What an input pixel's gradient is made of: row = input pixel, depth = (kh, kw, k), the upstream gradient of the output that read
/// the pixel through that tap, or zero where there is none (borders, and the gaps that a stride leaves).
/// </summary>
internal readonly partial struct UpstreamPatches(ArrayView<float> upstream, ConvolutionGeometry geometry) : ILeftOperand
{
    private readonly ArrayView<float> upstream = upstream;
    private readonly ConvolutionGeometry geometry = geometry;

    public static bool RowsAreContiguous => false;

    public static bool RowsAreInMemory => false;

    public ArrayView<float> Memory => upstream;

    public int RowStride => 0;

    // upstream [N,OH,OW,K] → block[at…], from (kh, kw, k) = depth on
    public void Copy(int row, int depth, int count, ArrayView<float> block, int at)
    {
        var g = geometry;
        var line = row / g.Width;
        var w = row - line * g.Width + g.PaddingLeft;
        var n = line / g.Height;
        var h = line - n * g.Height + g.PaddingTop;
        for (var done = 0; done < count;)
        {
            var tap = (depth + done) / g.OutputChannels;
            var k = depth + done - tap * g.OutputChannels;
            var kh = tap / g.KernelWidth;
            var kw = tap - kh * g.KernelWidth;
            var run = IntrinsicMath.Min(g.OutputChannels - k, count - done);
            var target = at + done;
            var oh = (h - kh) / g.Stride;
            var ow = (w - kw) / g.Stride;
            if (h >= kh & w >= kw & oh < g.OutputHeight & ow < g.OutputWidth & oh * g.Stride == h - kh & ow * g.Stride == w - kw)
            {
                var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels + k;
                for (var i = 0; i < run; i++) block[target + i] = upstream[source + i];
            }
            else
            {
                for (var i = 0; i < run; i++) block[target + i] = 0;
            }
            done += run;
        }
    }
}

/// <summary>The right factor of the input's gradient: the kernel with its channels swapped, so that it is packed as fast as it is stored.</summary>
internal static class KernelTranspose
{
    /// <summary>Side of the squares that a processor swaps at a time: they lie in few enough cache lines to stay until they are used up.</summary>
    private const int Square = 16;

    /// <summary>Rents a buffer and swaps a kernel's channels into it; the caller releases it.</summary>
    public static DeviceBuffer Rent(Device device, ArrayView<float> kernel, ConvolutionGeometry g)
    {
        var swapped = device.Pool.Rent(kernel.Length);
        if (device.Shape == KernelShape.Cpu)
            device.Launch(SwapSquares, new KernelConfig(new Index2D((g.OutputChannels + Square - 1) / Square, g.KernelHeight * g.KernelWidth), new Index2D(1, 1)),
                kernel, swapped.View(kernel.IntLength), g);
        else
            device.ForEach(kernel.IntLength, Swap<SpanPerItem>, Swap<GridStride>, kernel, swapped.View(kernel.IntLength), g);
        return swapped;
    }

    // w [KH,KW,C,K], swapped [KH,KW,K,C]; a work-item swaps all input channels of one tap and 16 output channels
    public static void SwapSquares(ArrayView<float> kernel, ArrayView<float> swapped, ConvolutionGeometry g)
    {
        var first = Grid.IdxX * Square;
        var end = IntrinsicMath.Min(g.OutputChannels, first + Square);
        for (var c0 = 0; c0 < g.InputChannels; c0 += Square)
        {
            var endChannel = IntrinsicMath.Min(g.InputChannels, c0 + Square);
            for (var k = first; k < end; k++)
                for (var c = c0; c < endChannel; c++)
                    swapped[(Grid.IdxY * g.OutputChannels + k) * g.InputChannels + c] = kernel[(Grid.IdxY * g.InputChannels + c) * g.OutputChannels + k];
        }
    }

    // the same, a square of 4 × 4 per turn where both channels are multiples of four, else one element
    public static void Swap<TShape>(ArrayView<float> kernel, ArrayView<float> swapped, ConvolutionGeometry g) where TShape : struct, IWorkShape
    {
        if (TShape.InFours && ((g.InputChannels | g.OutputChannels) & 3) == 0)
        {
            for (var i = TShape.First; i < TShape.End(kernel.IntLength / 16); i += TShape.Step)
            {
                var across = g.InputChannels / 4;
                var c = i % across * 4;
                var k = i / across % (g.OutputChannels / 4) * 4;
                var tap = i / across / (g.OutputChannels / 4);
                var source = (tap * g.InputChannels + c) * g.OutputChannels + k;
                var target = (tap * g.OutputChannels + k) * g.InputChannels + c;
                var a = Float4.Load(kernel, source);
                var b = Float4.Load(kernel, source + g.OutputChannels);
                var d = Float4.Load(kernel, source + 2 * g.OutputChannels);
                var e = Float4.Load(kernel, source + 3 * g.OutputChannels);
                Float4.Store(swapped, target, new Float4 { X = a.X, Y = b.X, Z = d.X, W = e.X });
                Float4.Store(swapped, target + g.InputChannels, new Float4 { X = a.Y, Y = b.Y, Z = d.Y, W = e.Y });
                Float4.Store(swapped, target + 2 * g.InputChannels, new Float4 { X = a.Z, Y = b.Z, Z = d.Z, W = e.Z });
                Float4.Store(swapped, target + 3 * g.InputChannels, new Float4 { X = a.W, Y = b.W, Z = d.W, W = e.W });
            }
            return;
        }
        for (var i = TShape.First; i < TShape.End(kernel.IntLength); i += TShape.Step)
        {
            var c = i % g.InputChannels;
            var k = i / g.InputChannels % g.OutputChannels;
            var tap = i / g.InputChannels / g.OutputChannels;
            swapped[i] = kernel[(tap * g.InputChannels + c) * g.OutputChannels + k];
        }
    }
}
