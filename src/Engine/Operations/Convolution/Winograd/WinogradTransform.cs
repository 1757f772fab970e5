using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// Winograd's minimal filtering F(m×m, 3×3): m×m outputs of a 3×3 convolution from (m+2)×(m+2) inputs with one multiplication per input
/// instead of nine per output (Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015).
/// <para>
/// With the matrices A, B and G of an algorithm: Y = Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A for kernel g and input tile d. The kernel's gradient is
/// the transposed sum: dg = Gᵀ[(Bᵀ·d·B) ⊙ (A·dY·Aᵀ)]G, summed over all tiles.
/// </para>
/// </summary>
/// <remarks>
/// Every method transforms one lane (a channel) of one tile, whose elements lie a stride apart and its rows a row stride: a loop over
/// neighbouring lanes is vectorized if stores have constant strides, so that the compiler sees that
/// lanes do not overlap. Straight-line code on structs of floats stays in registers.
/// </remarks>
internal interface IWinogradTransform
{
    /// <summary>m, the side of the output tile.</summary>
    static abstract int Outputs { get; }

    /// <summary>m + 2, the side of the input tile and of the transformed kernel.</summary>
    static abstract int Inputs { get; }

    /// <summary>Products per tile: one for each position of the transformed tile.</summary>
    static abstract int Positions { get; }

    /// <summary>Bᵀ·d·B: an input tile [Inputs, Inputs] to factors [Positions].</summary>
    static abstract void Input(ArrayView<float> tile, int at, int rowStride, int stride, ArrayView<float> factors, int to,
        int factorStride);

    /// <summary>G·g·Gᵀ: nine taps to factors [Positions].</summary>
    static abstract void Kernel(ArrayView<float> taps, int at, int stride, ArrayView<float> factors, int to, int factorStride);

    /// <summary>Aᵀ·m·A: products [Positions] to outputs [Outputs, Outputs].</summary>
    static abstract void Output(ArrayView<float> products, int at, int stride, ArrayView<float> outputs, int to, int outputStride);

    /// <summary>A·dY·Aᵀ: upstream gradients [Outputs, Outputs] to factors [Positions].</summary>
    static abstract void Upstream(ArrayView<float> tile, int at, int rowStride, int stride, ArrayView<float> factors, int to,
        int factorStride);

    /// <summary>Gᵀ·m·G: summed products [Positions] to the gradients of nine taps.</summary>
    static abstract void KernelGradient(ArrayView<float> products, int at, int stride, ArrayView<float> taps, int to, int tapStride);
}
