using Convolve.Engine.Devices;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>Which algorithm serves a pass of a convolution on a device.</summary>
public static class ConvolutionChoice
{
    /// <summary>Fewest channels in and out, and fewest output pixels in the batch, for which Winograd's transforms pay off.</summary>
    private const int WinogradChannels = 16, WinogradPixels = 64;

    /// <summary>Most input channels for which patches are so short that packing them costs more than multiplying.</summary>
    private const int FewChannels = 8;

    private static readonly Dictionary<ConvolutionAlgorithm, IConvolutionAlgorithm> implementations = new()
    {
        [ConvolutionAlgorithm.Naive] = new NaiveConvolution(),
        [ConvolutionAlgorithm.Im2col] = new Im2colConvolution(),
        [ConvolutionAlgorithm.Implicit] = new ImplicitConvolution(),
        [ConvolutionAlgorithm.Direct] = new DirectConvolution(),
        [ConvolutionAlgorithm.WinogradLines] = new WinogradLinesConvolution(),
        [ConvolutionAlgorithm.Winograd2] = new WinogradConvolution<WinogradF2>(),
        [ConvolutionAlgorithm.Winograd4] = new WinogradConvolution<WinogradF4>(),
    };

    /// <summary>Every algorithm that exists for a pass of a geometry on a device, from the formula to the fastest.</summary>
    public static IReadOnlyList<ConvolutionAlgorithm> Available(ConvolutionPass pass, ConvolutionGeometry geometry, Device device) =>
        [.. implementations.Where(i => i.Value.Supports(pass, geometry, device)).Select(i => i.Key)];

    /// <summary>Whether an algorithm may be requested; auto and tuned always may.</summary>
    public static bool IsAvailable(ConvolutionAlgorithm algorithm, ConvolutionPass pass, ConvolutionGeometry geometry, Device device) =>
        algorithm is ConvolutionAlgorithm.Auto or ConvolutionAlgorithm.Tuned || implementations[algorithm].Supports(pass, geometry, device);

    /// <summary>
    /// The fixed rules, from measurements in docs/performance.md: Winograd's F(4×4,3×3) if supported and there is enough work; for first
    /// layers (few channels), Winograd along lines if vectors are wide, else the direct algorithm; the implicit product for the rest.
    /// </summary>
    public static ConvolutionAlgorithm Model(ConvolutionPass pass, ConvolutionGeometry geometry, Device device)
    {
        var enough = geometry is
        {
            InputChannels: >= WinogradChannels, OutputChannels: >= WinogradChannels,
            OutputPixels: >= WinogradPixels
        };
        if (enough && implementations[ConvolutionAlgorithm.Winograd4].Supports(pass, geometry, device))
            return ConvolutionAlgorithm.Winograd4;
        if (device.HasWideVectors && implementations[ConvolutionAlgorithm.WinogradLines].Supports(pass, geometry, device))
            return ConvolutionAlgorithm.WinogradLines;
        if (geometry.InputChannels <= FewChannels && implementations[ConvolutionAlgorithm.Direct].Supports(pass, geometry, device))
            return ConvolutionAlgorithm.Direct;
        return ConvolutionAlgorithm.Implicit;
    }

    /// <exception cref="ArgumentException">The algorithm does not exist for this pass of this geometry on this device.</exception>
    internal static IConvolutionAlgorithm Implementation(ConvolutionAlgorithm asked, ConvolutionPass pass, ConvolutionGeometry geometry,
        Device device)
    {
        var algorithm = asked switch
        {
            ConvolutionAlgorithm.Auto => Model(pass, geometry, device),
            ConvolutionAlgorithm.Tuned => ConvolutionTuning.Of(device).Fastest(pass, geometry),
            _ => asked,
        };
        var implementation = implementations[algorithm];
        if (!implementation.Supports(pass, geometry, device))
            throw new ArgumentException(
                $"convolution: {algorithm} does not exist for {pass} of input {geometry.Input}, kernel {geometry.Kernel}, stride "
                    + $"{geometry.Stride} on {device.Description}");
        return implementation;
    }
}
