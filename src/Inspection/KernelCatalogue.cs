using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Operations.Elementwise;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Operations.Penalty;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Inspection;

/// <summary>
/// Every kernel of the engine, in the closed forms that are launched. The tests compile what stands here for every architecture, and
/// fail when a kernel that stands nowhere here is written or launched.
/// </summary>
public static class KernelCatalogue
{
    /// <summary>All kernels, operation by operation.</summary>
    public static IReadOnlyList<CataloguedKernel> All { get; } =
    [
        .. Products<LeftMatrix, RightMatrix>("matrix-multiply", "matrix multiply"),
        .. Products<LeftMatrix, RightTransposed>("matrix-multiply-nt", "matrix multiply"),
        .. Products<LeftTransposed, RightMatrix>("matrix-multiply-tn", "matrix multiply"),
        .. Products<LeftTransposed, RightTransposed>("matrix-multiply-tt", "matrix multiply"),
        .. Products<InputPatches, RightMatrix>("convolution-forward", "convolution"),
        .. Products<UpstreamPatches, RightMatrix>("convolution-input-gradient", "convolution"),
        .. Products<InputPatchesTransposed, RightMatrix>("convolution-kernel-gradient", "convolution"),
        Hot("split-sum", "matrix multiply", SplitSum.Add<SpanPerItem>, SplitSum.Add<GridStride>),

        Hot("convolution-forward-naive", "convolution", NaiveConvolution.Forward<SpanPerItem>, NaiveConvolution.Forward<GridStride>),
        Hot("convolution-input-gradient-naive", "convolution", NaiveConvolution.GradInput<SpanPerItem>, NaiveConvolution.GradInput<GridStride>),
        Hot("convolution-kernel-gradient-naive", "convolution", NaiveConvolution.GradKernel<SpanPerItem>, NaiveConvolution.GradKernel<GridStride>),
        Hot("convolution-forward-direct-3x32", "convolution", DirectConvolution.Forward<Tile3x32>),
        Hot("convolution-forward-direct-8x32", "convolution", DirectConvolution.Forward<Tile8x32>),
        Hot("convolution-input-gradient-direct", "convolution", DirectConvolution.GradInput),
        Hot("convolution-kernel-gradient-direct-3x32", "convolution", DirectConvolution.GradKernel<Tile3x32>),
        Hot("convolution-kernel-gradient-direct-8x32", "convolution", DirectConvolution.GradKernel<Tile8x32>),
        new("direct-pack", "convolution", DirectConvolution.Pack<Tile3x32>, null),
        new("direct-pack-for-input", "convolution", DirectConvolution.PackForInput, null),
        Hot("convolution-forward-winograd-lines-1x16", "convolution", WinogradLines.Forward<LineTile1x16>),
        Hot("convolution-forward-winograd-lines-2x32", "convolution", WinogradLines.Forward<LineTile2x32>),
        Hot("im2col-unfold", "convolution", Im2colConvolution.Unfold<SpanPerItem>, Im2colConvolution.Unfold<GridStride>),
        Hot("im2col-fold", "convolution", Im2colConvolution.Fold<SpanPerItem>, Im2colConvolution.Fold<GridStride>),
        .. Winograd<WinogradF2>("winograd2"),
        .. Winograd<WinogradF4>("winograd4"),
        Hot("kernel-transpose", "convolution", KernelTranspose.Swap<SpanPerItem>, KernelTranspose.Swap<GridStride>),
        new("kernel-transpose-squares", "convolution", KernelTranspose.SwapSquares, null),

        Hot("max-pooling-forward", "pooling", MaxPoolingKernels.Forward<PixelSpan>, MaxPoolingKernels.Forward<PixelThreads>),
        Hot("max-pooling-input-gradient", "pooling", MaxPoolingKernels.GradInput<PixelSpan>, MaxPoolingKernels.GradInput<PixelThreads>),
        Hot("max-pooling-input-gradient-apart", "pooling", MaxPoolingKernels.GradInputApart<PixelSpan>, MaxPoolingKernels.GradInputApart<PixelThreads>),
        Hot("average-pooling-forward", "pooling", AveragePoolingKernels.Forward<PixelSpan>, AveragePoolingKernels.Forward<PixelThreads>),
        Hot("average-pooling-input-gradient", "pooling", AveragePoolingKernels.GradInput<PixelSpan>, AveragePoolingKernels.GradInput<PixelThreads>),

        Fours("relu-forward", "activation", ActivationKernels.Forward<SpanPerItem, Relu>, ActivationKernels.Forward<GridStride, Relu>),
        Fours("relu-gradient", "activation", ActivationKernels.GradInput<SpanPerItem, Relu>, ActivationKernels.GradInput<GridStride, Relu>),
        Fours("sigmoid-forward", "activation", ActivationKernels.Forward<SpanPerItem, Sigmoid>, ActivationKernels.Forward<GridStride, Sigmoid>),
        Fours("sigmoid-gradient", "activation", ActivationKernels.GradInput<SpanPerItem, Sigmoid>, ActivationKernels.GradInput<GridStride, Sigmoid>),
        new("softmax-forward", "activation", SoftmaxKernels.Forward<SpanPerItem>, SoftmaxKernels.Forward<GridStride>),
        new("softmax-gradient", "activation", SoftmaxKernels.GradInput<SpanPerItem>, SoftmaxKernels.GradInput<GridStride>),

        Fours("bias-mask", "bias", BiasKernels.Mask<SpanPerItem>, BiasKernels.Mask<GridStride>),
        new("bias-mask-and-sum-cpu", "bias", BiasKernels.MaskAndSumRows, null),
        Fours("bias-mask-and-sum-gpu", "bias", null, BiasKernels.MaskAndSumColumn),
        Fours("bias-add-parts", "bias", BiasKernels.AddParts<SpanPerItem>, BiasKernels.AddParts<GridStride>),

        new("batch-normalization-moments-cpu", "batch normalization", BatchNormalizationKernels.MomentsOfRows, null),
        new("batch-normalization-moments-gpu", "batch normalization", null, BatchNormalizationKernels.MomentsOfColumn),
        new("batch-normalization-join-moments", "batch normalization",
            BatchNormalizationKernels.JoinMoments<SpanPerItem>, BatchNormalizationKernels.JoinMoments<GridStride>),
        new("batch-normalization-given", "batch normalization", BatchNormalizationKernels.Given<SpanPerItem>, BatchNormalizationKernels.Given<GridStride>),
        new("batch-normalization-forward-cpu", "batch normalization", BatchNormalizationKernels.ForwardOfRows, null),
        new("batch-normalization-forward-gpu", "batch normalization", null, BatchNormalizationKernels.ForwardOfPixels),
        new("batch-normalization-gradient-sums-cpu", "batch normalization", BatchNormalizationKernels.GradientSumsOfRows, null),
        new("batch-normalization-gradient-sums-gpu", "batch normalization", null, BatchNormalizationKernels.GradientSumsOfColumn),
        new("batch-normalization-input-gradient-cpu", "batch normalization", BatchNormalizationKernels.GradInputOfRows, null),
        new("batch-normalization-input-gradient-gpu", "batch normalization", null, BatchNormalizationKernels.GradInputOfPixels),
        new("batch-normalization-fold", "batch normalization", BatchNormalizationKernels.Fold<PixelSpan>, BatchNormalizationKernels.Fold<PixelThreads>),

        new("dropout", "dropout", DropoutKernels.Mask<SpanPerItem>, DropoutKernels.Mask<GridStride>),
        Fours("add", "elementwise", AdditionKernels.Add<SpanPerItem>, AdditionKernels.Add<GridStride>),
        Fours("copy", "elementwise", AdditionKernels.Copy<SpanPerItem>, AdditionKernels.Copy<GridStride>),
        new("fill", "elementwise", FillKernels.Fill<SpanPerItem>, FillKernels.Fill<GridStride>),
        new("pixel-conversion", "pixels", PixelKernels.Convert<SpanPerItem>, PixelKernels.Convert<GridStride>),
        new("augmentation", "augmentation", AugmentationKernels.Apply<SpanPerItem>, AugmentationKernels.Apply<GridStride>),
        new("toning", "augmentation", ToningKernels.Apply<SpanPerItem>, ToningKernels.Apply<GridStride>),

        new("binary-cross-entropy", "loss", LossKernels.BinaryCrossEntropy<SpanPerItem>, LossKernels.BinaryCrossEntropy<GridStride>),
        new("softmax-cross-entropy", "loss", LossKernels.SoftmaxCrossEntropy<SpanPerItem>, LossKernels.SoftmaxCrossEntropy<GridStride>),
        new("loss-mean", "loss", LossKernels.Mean, LossKernels.Mean),
        new("loss-scale-gradient", "loss", LossKernels.ScaleGradient<SpanPerItem>, LossKernels.ScaleGradient<GridStride>),
        new("correct-answers", "loss", CorrectAnswersKernels.Count, CorrectAnswersKernels.Count),

        new("penalty-sum-piece", "penalty", PenaltyKernels.SumPiece, PenaltyKernels.SumPiece),
        new("penalty-add-parts", "penalty", PenaltyKernels.AddParts, PenaltyKernels.AddParts),

        Hot("rmsprop", "optimizer", UpdateKernels.Update<PiecePerItem, RmsPropRule>, UpdateKernels.Update<PiecePerGroup, RmsPropRule>),
        Hot("momentum", "optimizer", UpdateKernels.Update<PiecePerItem, MomentumRule>, UpdateKernels.Update<PiecePerGroup, MomentumRule>),
        Hot("descent", "optimizer", UpdateKernels.Update<PiecePerItem, DescentRule>, UpdateKernels.Update<PiecePerGroup, DescentRule>),
        Hot("adam", "optimizer", UpdateKernels.Update<PiecePerItem, AdamRule>, UpdateKernels.Update<PiecePerGroup, AdamRule>),

        new("peak-tile-3x32", "peak", PeakArithmetic.TileOfSums<Tile3x32>, null),
        new("peak-tile-8x32", "peak", PeakArithmetic.TileOfSums<Tile8x32>, null),
        new("peak-chains", "peak", null, PeakArithmetic.ChainsOfThreads),
    ];

    /// <summary>The kernel of a name, or null.</summary>
    public static CataloguedKernel? Find(string name) => All.FirstOrDefault(kernel => kernel.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>
    /// The engine's kernels that a device has launched but that are missing here; the tests demand that there are none. A user's own
    /// kernels (<see cref="IKernel"/>) do not count, nor does the loop around them.
    /// </summary>
    internal static IReadOnlyList<string> Uncatalogued(Device device)
    {
        var known = All.SelectMany(kernel => kernel.Methods).ToHashSet();
        return
        [
            .. device.LaunchedKernels
                .Where(method => method.Module.Assembly == typeof(IKernel).Assembly && method.DeclaringType != typeof(KernelLoop) && !known.Contains(method))
                .Select(method => $"{method.DeclaringType!.Name}.{method}"),
        ];
    }

    /// <summary>A product of two operands in all its forms: one for GPUs, one for their tensor cores, one for each register tile of processors.</summary>
    private static CataloguedKernel[] Products<TLeft, TRight>(string name, string operation)
        where TLeft : struct, ILeftOperand
        where TRight : struct, IRightOperand =>
    [
        new($"{name}-gpu", operation, null, GpuBlockProduct.Product<TLeft, TRight>) { IsHot = true, HasVectorLoads = true },
        new($"{name}-tf32", operation, null, Tf32BlockProduct.Product<TLeft, TRight>)
        {
            IsHot = true,
            HasVectorLoads = true,
            IsCudaOnly = true,
            MinimalArchitecture = CudaTarget.WithTf32,
        },
        Hot($"{name}-cpu-3x32", operation, CpuBlockProduct.Product<TLeft, TRight, Tile3x32>),
        Hot($"{name}-cpu-8x32", operation, CpuBlockProduct.Product<TLeft, TRight, Tile8x32>),
    ];

    /// <summary>A Winograd algorithm, which exists for processors: forward, that is also the input's gradient, and the kernel's gradient.</summary>
    private static CataloguedKernel[] Winograd<TWinograd>(string name) where TWinograd : struct, IWinogradTransform =>
    [
        Hot($"{name}-3x32", "convolution", WinogradConvolution.Forward<TWinograd, Tile3x32>),
        Hot($"{name}-8x32", "convolution", WinogradConvolution.Forward<TWinograd, Tile8x32>),
        Hot($"{name}-kernel-gradient-3x32", "convolution", WinogradKernelGradient.Sum<TWinograd, Tile3x32>),
        Hot($"{name}-kernel-gradient-8x32", "convolution", WinogradKernelGradient.Sum<TWinograd, Tile8x32>),
    ];

    private static CataloguedKernel Hot(string name, string operation, Delegate cpu, Delegate? gpu = null) =>
        new(name, operation, cpu, gpu) { IsHot = true, HasVectorLoads = gpu is not null };

    /// <summary>A kernel that takes its share of a step by moving memory: in fours on GPUs, too.</summary>
    private static CataloguedKernel Fours(string name, string operation, Delegate? cpu, Delegate gpu) =>
        new(name, operation, cpu, gpu) { HasVectorLoads = true };
}
