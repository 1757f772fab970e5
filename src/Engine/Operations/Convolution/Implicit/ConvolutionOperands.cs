using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

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
        // If no tap leaves the image sideways, a whole kernel row (kw, c) is one run of memory; otherwise a run ends with each tap.
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
/// The terms of an input pixel's gradient: row = input pixel, depth = (kh, kw, k), the upstream gradient of the output that read
/// the pixel through that tap, or zero if there is none (borders, and the gaps of a stride).
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
