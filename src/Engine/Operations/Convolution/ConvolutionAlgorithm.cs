using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>The algorithms of the convolution, from the formula to the fastest.</summary>
public enum ConvolutionAlgorithm
{
    /// <summary>The fastest by fixed rules for device and shape; always the same for the same device and shape.</summary>
    Auto,

    /// <summary>The fastest as measured on this device, see <see cref="ConvolutionTuning"/>.</summary>
    Tuned,

    /// <summary>One loop per sum.</summary>
    Naive,

    /// <summary>The patches of the image as a matrix in memory, and a matrix product, see <see cref="Im2colConvolution"/>.</summary>
    Im2col,

    /// <summary>The same product with patches that exist only block by block, see <see cref="ImplicitConvolution"/>.</summary>
    Implicit,

    /// <summary>Register tiles along the lines of the image, see <see cref="DirectConvolution"/>; CPUs only.</summary>
    Direct,

    /// <summary>F(4,3) along the lines of the image, see <see cref="WinogradLinesConvolution"/>; forward only, for kernels three taps wide
    /// with stride 1 on a CPU.</summary>
    WinogradLines,

    /// <summary>F(2×2,3×3), see <see cref="WinogradConvolution{TWinograd}"/>; for 3×3 kernels with stride 1 on a CPU.</summary>
    Winograd2,

    /// <summary>F(4×4,3×3), the same.</summary>
    Winograd4,
}

/// <summary>A convolution's forward pass and its two gradients.</summary>
public enum ConvolutionPass
{
    /// <summary>y from x, w and b.</summary>
    Forward,

    /// <summary>dx from dy and w.</summary>
    GradInput,

    /// <summary>dw from dy and x.</summary>
    GradKernel,
}

/// <summary>One algorithm: what it supports, and its launches. The epilogue is applied to the outputs.</summary>
internal interface IConvolutionAlgorithm
{
    /// <summary>Whether the algorithm exists for a pass of a geometry on a device.</summary>
    bool Supports(ConvolutionPass pass, ConvolutionGeometry g, Device device);

    /// <summary>x [N,H,W,C], w [KH,KW,C,K], b [K] → y [N,OH,OW,K].</summary>
    void Forward(
        Device device, ConvolutionGeometry g, ArrayView<float> input, ArrayView<float> kernel, ArrayView<float> bias,
        ArrayView<float> output, Epilogue epilogue);

    /// <summary>dy [N,OH,OW,K], w [KH,KW,C,K] → dx [N,H,W,C].</summary>
    void GradInput(Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> kernel, ArrayView<float> gradient,
        Epilogue epilogue);

    /// <summary>dy [N,OH,OW,K], x [N,H,W,C] → dw [KH,KW,C,K].</summary>
    void GradKernel(Device device, ConvolutionGeometry g, ArrayView<float> upstream, ArrayView<float> input, ArrayView<float> gradient,
        Epilogue epilogue);
}
