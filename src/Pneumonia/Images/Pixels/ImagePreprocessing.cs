using Convolve.Engine.Operations.Pixels;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// How a decoded image becomes the input of a network: <see cref="Resize"/> and <see cref="Normalize"/> on the host, which leave bytes,
/// then <see cref="Scaling"/> on the device, which makes floats of them.
/// </summary>
/// <param name="Pixels">N, width and height in pixels.</param>
/// <param name="Channels">1 for gray, to which colours are converted, or 3.</param>
/// <param name="Method">How an image is brought to its size.</param>
/// <param name="Kind">How bytes are normalized and scaled.</param>
public sealed record ImagePreprocessing(
    int Pixels, int Channels, ResizeMethod Method = ResizeMethod.Bilinear, Preprocessing Kind = Preprocessing.Rescale)
{
    private const double MiddleGray = 127.5, Deviation = 51;

    /// <summary>N.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below 1.</exception>
    public int Pixels { get; } =
        Pixels >= 1 ? Pixels : throw new ArgumentOutOfRangeException(nameof(Pixels), Pixels, "images: at least 1 pixel");

    /// <summary>1 or 3.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is another number.</exception>
    public int Channels { get; } =
        Channels is 1 or 3 ? Channels : throw new ArgumentOutOfRangeException(nameof(Channels), Channels, "images: 1 or 3 channels");

    /// <summary>Bytes of an image: N · N · channels.</summary>
    public int Length => Pixels * Pixels * Channels;

    /// <summary>The arithmetic on single bytes, for the device.</summary>
    public PixelScaling Scaling => Kind switch
    {
        Preprocessing.Caffe => PixelScaling.Caffe,
        Preprocessing.Torchvision => PixelScaling.Torchvision,
        _ => PixelScaling.Rescale,
    };

    /// <summary>Brings a decoded image to its size and channels.</summary>
    /// <param name="image">The image.</param>
    /// <param name="pixels">Receives [N, N, channels].</param>
    public void Resize(DecodedImage image, Span<byte> pixels) => ImageResize.Resize(image, Pixels, Channels, Method, pixels);

    /// <summary>The arithmetic on whole images, in place.</summary>
    /// <param name="pixels">All bytes of one image, [N, N, channels]. An image of a single value becomes middle gray.</param>
    public void Normalize(Span<byte> pixels)
    {
        if (Kind != Preprocessing.Standardize || pixels.IsEmpty) return;
        long sum = 0, squares = 0;
        foreach (var value in pixels)
        {
            sum += value;
            squares += value * value;
        }
        double mean = (double)sum / pixels.Length, deviation = Math.Sqrt(Math.Max(0, (double)squares / pixels.Length - mean * mean));
        var factor = deviation > 0 ? Deviation / deviation : 0;
        // One result for each value that a byte can have.
        Span<byte> results = stackalloc byte[256];
        for (var value = 0; value < results.Length; value++)
            results[value] = (byte)Math.Clamp(Math.Round(MiddleGray + (value - mean) * factor), 0, 255);
        for (var i = 0; i < pixels.Length; i++) pixels[i] = results[pixels[i]];
    }
}
