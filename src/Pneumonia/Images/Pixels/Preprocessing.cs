namespace Convolve.Pneumonia.Images;

/// <summary>What becomes of an image's bytes before the network sees them.</summary>
public enum Preprocessing
{
    /// <summary>0 … 255 becomes 0 … 1.</summary>
    Rescale,

    /// <summary>Blue, green, red, less the means of ImageNet: what the published weights of VGG were trained with.</summary>
    Caffe,

    /// <summary>
    /// 0 … 1, less ImageNet's mean of the channel, by its standard deviation: what torchvision's weights were trained with.
    /// </summary>
    Torchvision,

    /// <summary>
    /// Every image by itself: its mean becomes the middle gray and its standard deviation a fifth of the range, then as
    /// <see cref="Rescale"/>. How bright and rich in contrast an X-ray is says more about the machine than about the lung.
    /// </summary>
    Standardize,
}

/// <summary>What a kind of preprocessing is for.</summary>
public static class PreprocessingKinds
{
    /// <summary>Whether it says what becomes of red, green and blue, so that it is of no use for gray images.</summary>
    public static bool IsForColours(this Preprocessing kind) => kind is Preprocessing.Caffe or Preprocessing.Torchvision;
}
