using Convolve.Engine.Operations.Augmentation;

namespace Convolve.Pneumonia.Images;

/// <summary>How training images are changed at random.</summary>
public static class XrayAugmentation
{
    /// <summary>As in the reference experiments: strong turns and shifts, in every image.</summary>
    public static AugmentationRanges Reference { get; } = new();

    /// <summary>
    /// What differs between one hospital's X-rays and another's: how the patient stands, how far the picture is cut and at which
    /// proportions it was scaled, and above all how the machine draws: sharpness, gamma, contrast, noise. A network that never saw them
    /// vary takes them for signs of the illness. Chosen on validation images: see docs/results.md.
    /// </summary>
    public static AugmentationRanges OtherMachines { get; } = new()
    {
        Rotation = 10,
        WidthShift = 0.08,
        HeightShift = 0.08,
        ZoomLow = 0.8,
        ZoomHigh = 1.2,
        Shear = 3,
        Brightness = 0.1,
        Sharpness = 1.2,
        Gamma = 0.4,
        Contrast = 0.2,
        Noise = 0.05,
        Share = 0.75,
    };
}
