using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

// x [N,H,W,C], w [KH,KW,C,K], b [K], y [N,OH,OW,K]
[Kernel("convolution-forward-naive", "convolution")]
[KernelTraits(IsHot = true)]
internal struct NaiveForward : IElementKernel
{
    public ArrayView<float> Input, Kernel, Bias, Output;
    public ConvolutionGeometry Geometry;
    public int HasBias;
    public float Floor;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        var (g, input, kernel) = (Geometry, Input, Kernel);
        var k = i % g.OutputChannels;
        var pixel = i / g.OutputChannels;
        var ow = pixel % g.OutputWidth;
        var oh = pixel / g.OutputWidth % g.OutputHeight;
        var n = pixel / g.OutputWidth / g.OutputHeight;
        var sum = default(T);
        if (HasBias != 0) sum = T.Load(Bias, k);
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
        T.Store(Output, i, T.Zip<Clip>(sum, T.Of(Floor)));
    }
}

// dy [N,OH,OW,K], w [KH,KW,C,K], dx [N,H,W,C]; four output channels at a time on GPUs, if their number allows it
[Kernel("convolution-input-gradient-naive", "convolution", typeof(Float1), Target = KernelTarget.Cpu)]
[Kernel("convolution-input-gradient-naive", "convolution", typeof(Float4), Target = KernelTarget.Gpu)]
[KernelTraits(IsHot = true, HasVectorLoads = true)]
internal struct NaiveGradInput<TLanes> : IKernel where TLanes : struct, ILanes<TLanes>
{
    public ArrayView<float> Upstream, Kernel, Gradient;
    public ConvolutionGeometry Geometry;
    public int Accumulate;

    public readonly void Run(int i)
    {
        var (g, upstream, kernel) = (Geometry, Upstream, Kernel);
        var c = i % g.InputChannels;
        var pixel = i / g.InputChannels;
        var w = pixel % g.Width;
        var h = pixel / g.Width % g.Height;
        var n = pixel / g.Width / g.Height;
        var sum = Accumulate != 0 ? Gradient[i] : 0f;
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
                if (TLanes.Count == Float4.Count && (g.OutputChannels & 3) == 0)
                    for (; k < g.OutputChannels; k += 4)
                    {
                        var products = Float4.Load(upstream, source + k) * Float4.Load(kernel, weights + k);
                        sum = sum + products.X + products.Y + products.Z + products.W;
                    }
                for (; k < g.OutputChannels; k++) sum += upstream[source + k] * kernel[weights + k];
            }
        Gradient[i] = sum;
    }
}

// dy [N,OH,OW,K], x [N,H,W,C], dw [KH,KW,C,K]
[Kernel("convolution-kernel-gradient-naive", "convolution")]
[KernelTraits(IsHot = true)]
internal struct NaiveGradKernel : IElementKernel
{
    public ArrayView<float> Upstream, Input, Gradient;
    public ConvolutionGeometry Geometry;
    public int Accumulate;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        var (g, upstream, input) = (Geometry, Upstream, Input);
        var k = i % g.OutputChannels;
        var c = i / g.OutputChannels % g.InputChannels;
        var tap = i / g.OutputChannels / g.InputChannels;
        var kh = tap / g.KernelWidth;
        var kw = tap % g.KernelWidth;
        var sum = default(T);
        if (Accumulate != 0) sum = T.Load(Gradient, i);
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
        T.Store(Gradient, i, sum);
    }
}
