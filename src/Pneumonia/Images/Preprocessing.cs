using Convolve.Engine.Operations.Pixels;

namespace Convolve.Pneumonia.Images;

/// <summary>What becomes of an image's bytes before the network sees them.</summary>
public enum Preprocessing
{
    /// <summary>0 … 255 becomes 0 … 1.</summary>
    Rescale,

    /// <summary>Blue, green, red, less the means of ImageNet: what the published weights of VGG were trained with.</summary>
    Caffe,
}

/// <summary>What a preprocessing does to a byte.</summary>
public static class PreprocessingScaling
{
    /// <summary>The arithmetic.</summary>
    public static PixelScaling Scaling(this Preprocessing preprocessing) =>
        preprocessing == Preprocessing.Caffe ? PixelScaling.Caffe : PixelScaling.Rescale;
}
