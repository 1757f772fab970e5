using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.Pooling;

// x [N,H,W,C], y [N,OH,OW,C]
[Kernel("average-pooling-forward", "pooling")]
[KernelTraits(IsHot = true)]
internal struct AveragePoolingForward : IPixelKernel
{
    public ArrayView<float> Input, Output;
    public PoolingGeometry Geometry;

    public readonly void Run<T>(int pixel, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var (input, output, g) = (Input, Output, Geometry);
        var scale = 1f / (g.WindowHeight * g.WindowWidth);
        var corner = g.WindowStart(pixel);
        var target = pixel * g.Channels;
        for (var c = channels.First; c < channels.End; c += channels.Step) T.Store(output, target + c, default);
        for (var h = 0; h < g.WindowHeight; h++)
            for (var w = 0; w < g.WindowWidth; w++)
            {
                var source = corner + (h * g.Width + w) * g.Channels;
                for (var c = channels.First; c < channels.End; c += channels.Step)
                    T.Store(output, target + c, T.Load(output, target + c) + T.Load(input, source + c));
            }
        for (var c = channels.First; c < channels.End; c += channels.Step) T.Store(output, target + c, T.Load(output, target + c) * scale);
    }
}

// dy [N,OH,OW,C], dx [N,H,W,C]: every input gets its part of each window that contains it
[Kernel("average-pooling-input-gradient", "pooling")]
[KernelTraits(IsHot = true)]
internal struct AveragePoolingGradInput : IPixelKernel
{
    public ArrayView<float> Upstream, Gradient;
    public PoolingGeometry Geometry;
    public int Accumulate;

    public readonly void Run<T>(int pixel, ChannelSpan channels) where T : struct, ILanes<T>
    {
        var (upstream, gradient, g) = (Upstream, Gradient, Geometry);
        var scale = 1f / (g.WindowHeight * g.WindowWidth);
        var line = pixel / g.Width;
        var w = pixel - line * g.Width;
        var n = line / g.Height;
        var h = line - n * g.Height;
        var target = pixel * g.Channels;
        if (Accumulate == 0)
            for (var c = channels.First; c < channels.End; c += channels.Step) T.Store(gradient, target + c, default);
        var firstRow = g.FirstWindow(h, g.WindowHeight);
        var firstColumn = g.FirstWindow(w, g.WindowWidth);
        var endRow = g.EndWindow(h, g.OutputHeight);
        var endColumn = g.EndWindow(w, g.OutputWidth);
        for (var oh = firstRow; oh < endRow; oh++)
            for (var ow = firstColumn; ow < endColumn; ow++)
            {
                var source = ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels;
                for (var c = channels.First; c < channels.End; c += channels.Step)
                    T.Store(gradient, target + c, T.Load(gradient, target + c) + T.Load(upstream, source + c) * scale);
            }
    }
}
