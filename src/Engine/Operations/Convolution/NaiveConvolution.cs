using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;
using Device = Convolve.Engine.Devices.Device;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// The lowest rung: one loop per sum (on a GPU, per four neighbouring sums where channels allow it), read straight off the formula; what
/// every faster algorithm is checked against.
/// </summary>
internal static class NaiveConvolution
{
    // x [N,H,W,C], w [KH,KW,C,K], b [K], y [N,OH,OW,K]
    public static void Forward<TShape>(
        ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output,
        ConvolutionGeometry g, int hasBias, float floor)
        where TShape : struct, IWorkShape
    {
        if (TShape.InFours && (g.OutputChannels & 3) == 0)
            for (var i = TShape.First; i < TShape.End(output.IntLength / 4); i += TShape.Step) Forward<Float4>(input, kernel, bias, output, g, hasBias, floor, i * 4);
        else
            for (var i = TShape.First; i < TShape.End(output.IntLength); i += TShape.Step) Forward<Float1>(input, kernel, bias, output, g, hasBias, floor, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward<T>(
        ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output,
        ConvolutionGeometry g, int hasBias, float floor, int i)
        where T : struct, ILanes<T>
    {
        var k = i % g.OutputChannels;
        var pixel = i / g.OutputChannels;
        var ow = pixel % g.OutputWidth;
        var oh = pixel / g.OutputWidth % g.OutputHeight;
        var n = pixel / g.OutputWidth / g.OutputHeight;
        var sum = default(T);
        if (hasBias != 0) sum = T.Load(bias, k);
        for (var kh = 0; kh < g.KernelHeight; kh++)
            for (var kw = 0; kw < g.KernelWidth; kw++)
            {
                var h = oh * g.Stride + kh - g.PaddingTop;
                var w = ow * g.Stride + kw - g.PaddingLeft;
                if (h < 0 | h >= g.Height | w < 0 | w >= g.Width) continue;
                var source = ((n * g.Height + h) * g.Width + w) * g.InputChannels;
                var tap = (kh * g.KernelWidth + kw) * g.InputChannels;
                for (var c = 0; c < g.InputChannels; c++) sum += T.Load(kernel, (tap + c) * g.OutputChannels + k) * input[source + c];
            }
        T.Store(output, i, T.Zip<Clip>(sum, T.Of(floor)));
    }

    // dy [N,OH,OW,K], w [KH,KW,C,K], dx [N,H,W,C]
    public static void GradInput<TShape>(
        ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient, ConvolutionGeometry g, int accumulate)
        where TShape : struct, IWorkShape
    {
        for (var i = TShape.First; i < TShape.End(gradient.IntLength); i += TShape.Step)
        {
            var c = i % g.InputChannels;
            var pixel = i / g.InputChannels;
            var w = pixel % g.Width;
            var h = pixel / g.Width % g.Height;
            var n = pixel / g.Width / g.Height;
            var sum = accumulate != 0 ? gradient[i] : 0f;
            for (var kh = 0; kh < g.KernelHeight; kh++)
                for (var kw = 0; kw < g.KernelWidth; kw++)
                {
                    // The outputs that read this pixel through this tap: oh·stride = h + top − kh, if that divides and lies inside.
                    var oh = (h + g.PaddingTop - kh) / g.Stride;
                    var ow = (w + g.PaddingLeft - kw) / g.Stride;
                    if (h + g.PaddingTop < kh | w + g.PaddingLeft < kw | oh >= g.OutputHeight | ow >= g.OutputWidth
                        | oh * g.Stride != h + g.PaddingTop - kh | ow * g.Stride != w + g.PaddingLeft - kw) continue;
                    var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels;
                    var weights = ((kh * g.KernelWidth + kw) * g.InputChannels + c) * g.OutputChannels;
                    var k = 0;
                    if (TShape.InFours && (g.OutputChannels & 3) == 0)
                        for (; k < g.OutputChannels; k += 4)
                        {
                            var products = Float4.Load(upstream, source + k) * Float4.Load(kernel, weights + k);
                            sum = sum + products.X + products.Y + products.Z + products.W;
                        }
                    for (; k < g.OutputChannels; k++) sum += upstream[source + k] * kernel[weights + k];
                }
            gradient[i] = sum;
        }
    }

    // dy [N,OH,OW,K], x [N,H,W,C], dw [KH,KW,C,K]
    public static void GradKernel<TShape>(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient, ConvolutionGeometry g, int accumulate)
        where TShape : struct, IWorkShape
    {
        if (TShape.InFours && (g.OutputChannels & 3) == 0)
            for (var i = TShape.First; i < TShape.End(gradient.IntLength / 4); i += TShape.Step) GradKernel<Float4>(upstream, input, gradient, g, accumulate, i * 4);
        else
            for (var i = TShape.First; i < TShape.End(gradient.IntLength); i += TShape.Step) GradKernel<Float1>(upstream, input, gradient, g, accumulate, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void GradKernel<T>(
        ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient, ConvolutionGeometry g, int accumulate, int i)
        where T : struct, ILanes<T>
    {
        var k = i % g.OutputChannels;
        var c = i / g.OutputChannels % g.InputChannels;
        var tap = i / g.OutputChannels / g.InputChannels;
        var kh = tap / g.KernelWidth;
        var kw = tap % g.KernelWidth;
        var sum = default(T);
        if (accumulate != 0) sum = T.Load(gradient, i);
        for (var n = 0; n < g.Batch; n++)
            for (var oh = 0; oh < g.OutputHeight; oh++)
                for (var ow = 0; ow < g.OutputWidth; ow++)
                {
                    var h = oh * g.Stride + kh - g.PaddingTop;
                    var w = ow * g.Stride + kw - g.PaddingLeft;
                    if (h < 0 | h >= g.Height | w < 0 | w >= g.Width) continue;
                    sum += T.Load(upstream, ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels + k)
                        * input[((n * g.Height + h) * g.Width + w) * g.InputChannels + c];
                }
        T.Store(gradient, i, sum);
    }
}

/// <summary>Launches the naive algorithm.</summary>
internal sealed class NaiveLauncher : IConvolutionAlgorithm
{
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) => true;

    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output, Epilogue epilogue) =>
        device.ForEach(output.IntLength, NaiveConvolution.Forward<SpanPerItem>, NaiveConvolution.Forward<GridStride>,
            input, kernel, bias, output, g, epilogue.HasBias, epilogue.Floor);

    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient, Epilogue epilogue) =>
        device.ForEach(gradient.IntLength, NaiveConvolution.GradInput<SpanPerItem>, NaiveConvolution.GradInput<GridStride>,
            upstream, kernel, gradient, g, epilogue.Accumulate);

    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient, Epilogue epilogue) =>
        device.ForEach(gradient.IntLength, NaiveConvolution.GradKernel<SpanPerItem>, NaiveConvolution.GradKernel<GridStride>,
            upstream, input, gradient, g, epilogue.Accumulate);
}
