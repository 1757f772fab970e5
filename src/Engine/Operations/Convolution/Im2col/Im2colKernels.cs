using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

// x [N,H,W,C] → patches [N·OH·OW, KH·KW·C]
[Kernel("im2col-unfold", "convolution")]
[KernelTraits(IsHot = true)]
internal struct Im2colUnfold : IElementKernel
{
    public InputPatches Input;
    public ArrayView<float> Patches;
    public int PatchLength;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        if (T.Count == Float4.Count) Float4.Store(Patches, i, Input.LoadFour(Input.Seek(i / PatchLength, i % PatchLength)));
        else Patches[i] = Input.Load(Input.Seek(i / PatchLength, i % PatchLength));
    }
}

// dPatches [N·OH·OW, KH·KW·C] → dx [N,H,W,C]
[Kernel("im2col-fold", "convolution")]
[KernelTraits(IsHot = true)]
internal struct Im2colFold : IElementKernel
{
    public ArrayView<float> Patches, Gradient;
    public ConvolutionGeometry Geometry;
    public int Accumulate;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        var g = Geometry;
        var c = i % g.InputChannels;
        var pixel = i / g.InputChannels;
        var w = pixel % g.Width + g.PaddingLeft;
        var h = pixel / g.Width % g.Height + g.PaddingTop;
        var n = pixel / g.Width / g.Height;
        var sum = default(T);
        if (Accumulate != 0) sum = T.Load(Gradient, i);
        for (var kh = 0; kh < g.KernelHeight; kh++)
            for (var kw = 0; kw < g.KernelWidth; kw++)
            {
                var oh = (h - kh) / g.Stride;
                var ow = (w - kw) / g.Stride;
                if (h < kh | w < kw | oh >= g.OutputHeight | ow >= g.OutputWidth | oh * g.Stride != h - kh | ow * g.Stride != w - kw)
                    continue;
                sum += T.Load(Patches, ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.PatchLength
                    + (kh * g.KernelWidth + kw) * g.InputChannels + c);
            }
        T.Store(Gradient, i, sum);
    }
}
