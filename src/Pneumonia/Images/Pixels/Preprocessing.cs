using Convolve.Engine.Operations.Pixels;

namespace Convolve.Pneumonia.Images;

/// <summary>What becomes of an image's bytes before the network sees them.</summary>
public enum Preprocessing
{
    /// <summary>0 … 255 becomes 0 … 1.</summary>
    Rescale,

    /// <summary>Blue, green, red, less the means of ImageNet: what the published weights of VGG were trained with.</summary>
    Caffe,

    /// <summary>0 … 1, less ImageNet's mean of the channel, by its standard deviation: what torchvision's weights were trained with.</summary>
    Torchvision,

    /// <summary>
    /// Every image by itself: its mean becomes the middle gray and its standard deviation a fifth of the range, then as
    /// <see cref="Rescale"/>. How bright and rich in contrast an X-ray is says more about the machine than about the lung.
    /// </summary>
    Standardize,
}

/// <summary>What a preprocessing does.</summary>
public static class PreprocessingSteps
{
    private const double MiddleGray = 127.5, Deviation = 51;

    /// <summary>The arithmetic on a byte, which the device does.</summary>
    public static PixelScaling Scaling(this Preprocessing preprocessing) => preprocessing switch
    {
        Preprocessing.Caffe => PixelScaling.Caffe,
        Preprocessing.Torchvision => PixelScaling.Torchvision,
        _ => PixelScaling.Rescale,
    };

    /// <summary>Whether it says what becomes of red, green and blue, so that gray images have no use for it.</summary>
    public static bool IsForColours(this Preprocessing preprocessing) => preprocessing is Preprocessing.Caffe or Preprocessing.Torchvision;

    /// <summary>The arithmetic on a whole image, in place, before that.</summary>
    /// <param name="preprocessing">The preprocessing.</param>
    /// <param name="pixels">All bytes of one image, [H,W,C]. One of a single value becomes middle gray.</param>
    public static void Prepare(this Preprocessing preprocessing, Span<byte> pixels)
    {
        if (preprocessing != Preprocessing.Standardize || pixels.IsEmpty) return;
        long sum = 0, squares = 0;
        foreach (byte value in pixels)
        {
            sum += value;
            squares += value * value;
        }
        double mean = (double)sum / pixels.Length, deviation = Math.Sqrt(Math.Max(0, (double)squares / pixels.Length - mean * mean));
        double factor = deviation > 0 ? Deviation / deviation : 0;
        // One result for each value that a byte can have.
        Span<byte> results = stackalloc byte[256];
        for (int value = 0; value < results.Length; value++)
            results[value] = (byte)Math.Clamp(Math.Round(MiddleGray + (value - mean) * factor), 0, 255);
        for (int i = 0; i < pixels.Length; i++) pixels[i] = results[pixels[i]];
    }
}
