using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Explanations;

/// <summary>A colour picture to draw on, black at first.</summary>
/// <param name="width">Columns.</param>
/// <param name="height">Rows.</param>
public sealed class Picture(int width, int height)
{
    private readonly byte[] bytes = new byte[width * height * 3];

    public int Width => width;

    public int Height => height;

    /// <summary>One pixel; places outside the picture are left out.</summary>
    public (byte Red, byte Green, byte Blue) this[int x, int y]
    {
        get
        {
            var at = (y * width + x) * 3;
            return (bytes[at], bytes[at + 1], bytes[at + 2]);
        }
        set
        {
            if (x < 0 || y < 0 || x >= width || y >= height) return;
            var at = (y * width + x) * 3;
            (bytes[at], bytes[at + 1], bytes[at + 2]) = value;
        }
    }

    /// <summary>One colour everywhere.</summary>
    public Picture Filled(byte gray)
    {
        Array.Fill(bytes, gray);
        return this;
    }

    /// <summary>A gray image [H, W, channels], each pixel drawn as a square of <paramref name="zoom"/> pixels.</summary>
    public void Draw(int left, int top, ReadOnlySpan<byte> image, int side, int zoom = 1)
    {
        var channels = image.Length / (side * side);
        for (var y = 0; y < side * zoom; y++)
            for (var x = 0; x < side * zoom; x++)
            {
                var at = (y / zoom * side + x / zoom) * channels;
                this[left + x, top + y] = channels == 1 ? (image[at], image[at], image[at]) : (image[at], image[at + 1], image[at + 2]);
            }
    }

    /// <summary>The picture as a PNG file, a gray one if it has no colours: that takes a third of the room.</summary>
    public byte[] ToPng()
    {
        var gray = new byte[width * height];
        for (var i = 0; i < gray.Length; i++)
        {
            if (bytes[3 * i] != bytes[3 * i + 1] || bytes[3 * i] != bytes[3 * i + 2]) return PngWriter.Encode(bytes, width, height, 3);
            gray[i] = bytes[3 * i];
        }
        return PngWriter.Encode(gray, width, height, 1);
    }
}
