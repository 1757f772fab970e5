using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using ILGPU;
using Device = Convolve.Engine.Devices.Device;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Convolution as the textbooks accelerate it (<c>im2col</c>): the patches of the image, one row per output pixel, are written out as a
/// matrix, KH·KW times as large as the image, and multiplied. The rung between the formula and the algorithms that spare that
/// memory.
/// </summary>
internal sealed class Im2colConvolution : IConvolutionAlgorithm
{
    public bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device) =>
        (long)g.OutputPixels * g.PatchLength * sizeof(float) <= Math.Min(device.Description.LargestAllocationBytes, int.MaxValue * (long)sizeof(float));

    public void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias, ArrayView<float> output, Epilogue epilogue)
    {
        var patches = Unfold(device, g, input);
        ProductLauncher.Launch(device, new LeftMatrix(patches.View(g.OutputPixels * g.PatchLength), g.PatchLength), new RightMatrix(kernel, g.OutputChannels),
            g.OutputPixels, g.OutputChannels, g.PatchLength, output, epilogue, bias);
        patches.Release();
    }

    public void GradInput(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient, Epilogue epilogue)
    {
        // dPatches = dY·Wᵀ, and every input pixel collects its share of all patches that it is in.
        var patches = device.Pool.Rent((long)g.OutputPixels * g.PatchLength);
        var view = patches.View(g.OutputPixels * g.PatchLength);
        ProductLauncher.Launch(device, new LeftMatrix(upstream, g.OutputChannels), new RightTransposed(kernel, g.OutputChannels),
            g.OutputPixels, g.PatchLength, g.OutputChannels, view, Epilogue.Of());
        device.ForEach(gradient.IntLength, Fold<SpanPerItem>, Fold<GridStride>, view, gradient, g, epilogue.Accumulate);
        patches.Release();
    }

    public void GradKernel(
        Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient, Epilogue epilogue)
    {
        var patches = Unfold(device, g, input);
        ProductLauncher.Launch(device, new LeftTransposed(patches.View(g.OutputPixels * g.PatchLength), g.PatchLength), new RightMatrix(upstream, g.OutputChannels),
            g.PatchLength, g.OutputChannels, g.OutputPixels, gradient, epilogue);
        patches.Release();
    }

    private static DeviceBuffer Unfold(Device device, ConvolutionGeometry g, ArrayView<float> input)
    {
        var patches = device.Pool.Rent((long)g.OutputPixels * g.PatchLength);
        device.ForEach(g.OutputPixels * g.PatchLength, Unfold<SpanPerItem>, Unfold<GridStride>,
            new InputPatches(input, g), patches.View(g.OutputPixels * g.PatchLength), g);
        return patches;
    }

    // x [N,H,W,C] → patches [N·OH·OW, KH·KW·C]
    public static void Unfold<TShape>(InputPatches input, ArrayView<float> patches, ConvolutionGeometry g) where TShape : struct, IWorkShape
    {
        if (TShape.InFours && input.FoursAreAligned)
            for (var i = TShape.First; i < TShape.End(patches.IntLength / 4); i += TShape.Step)
                Float4.Store(patches, i * 4, input.LoadFour(input.Seek(i * 4 / g.PatchLength, i * 4 % g.PatchLength)));
        else
            for (var i = TShape.First; i < TShape.End(patches.IntLength); i += TShape.Step)
                patches[i] = input.Load(input.Seek(i / g.PatchLength, i % g.PatchLength));
    }

    // dPatches [N·OH·OW, KH·KW·C] → dx [N,H,W,C]
    public static void Fold<TShape>(ArrayView<float> patches, ArrayView<float> gradient, ConvolutionGeometry g, int accumulate) where TShape : struct, IWorkShape
    {
        if (TShape.InFours && (g.InputChannels & 3) == 0)
            for (var i = TShape.First; i < TShape.End(gradient.IntLength / 4); i += TShape.Step) Fold<Float4>(patches, gradient, g, accumulate, i * 4);
        else
            for (var i = TShape.First; i < TShape.End(gradient.IntLength); i += TShape.Step) Fold<Float1>(patches, gradient, g, accumulate, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fold<T>(ArrayView<float> patches, ArrayView<float> gradient, ConvolutionGeometry g, int accumulate, int i)
        where T : struct, ILanes<T>
    {
        var c = i % g.InputChannels;
        var pixel = i / g.InputChannels;
        var w = pixel % g.Width + g.PaddingLeft;
        var h = pixel / g.Width % g.Height + g.PaddingTop;
        var n = pixel / g.Width / g.Height;
        var sum = default(T);
        if (accumulate != 0) sum = T.Load(gradient, i);
        for (var kh = 0; kh < g.KernelHeight; kh++)
            for (var kw = 0; kw < g.KernelWidth; kw++)
            {
                var oh = (h - kh) / g.Stride;
                var ow = (w - kw) / g.Stride;
                if (h < kh | w < kw | oh >= g.OutputHeight | ow >= g.OutputWidth | oh * g.Stride != h - kh | ow * g.Stride != w - kw) continue;
                sum += T.Load(patches, ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.PatchLength + (kh * g.KernelWidth + kw) * g.InputChannels + c);
            }
        T.Store(gradient, i, sum);
    }
}
