using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// How a picture must be turned before it is shown: the tag Orientation of Exif and TIFF, a number from 1 (as it is stored) to 8.
/// Cameras and phones store what the sensor saw and say only here which side is up.
/// </summary>
internal static class ExifOrientation
{
    /// <summary>The tag's number.</summary>
    public const int Tag = 0x0112;

    /// <summary>What stands before the tags in a JPEG's APP1 segment.</summary>
    public static ReadOnlySpan<byte> Prefix => "Exif\0\0"u8;

    /// <summary>
    /// The orientation in a block of Exif tags (a TIFF header and its first directory; no other is looked at), 1 where there is none.
    /// Whatever is broken counts as none: a damaged tag says nothing about the pixels.
    /// </summary>
    public static int Read(ReadOnlySpan<byte> tags)
    {
        if (tags.Length < 8) return 1;
        var little = tags.StartsWith("II"u8);
        if (!little && !tags.StartsWith("MM"u8) || Word(tags, 2, little) != 42) return 1;
        var at = little ? BinaryPrimitives.ReadUInt32LittleEndian(tags[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tags[4..]);
        if (at > tags.Length - 2) return 1;
        var directory = tags[(int)at..];
        var count = Word(directory, 0, little);
        const int EntryLength = 12, Short = 3;
        for (var i = 0; i < count && 2 + (i + 1) * EntryLength <= directory.Length; i++)
        {
            var entry = directory.Slice(2 + i * EntryLength, EntryLength);
            if (Word(entry, 0, little) != Tag) continue;
            var orientation = Word(entry, 2, little) == Short ? Word(entry, 8, little) : 1;
            return orientation is >= 1 and <= 8 ? orientation : 1;
        }
        return 1;
    }

    /// <summary>Whether rows become columns, so that width and height change places.</summary>
    public static bool Transposes(int orientation) => orientation is >= 5 and <= 8;

    /// <summary>The pixels as they are shown; the same array for orientation 1.</summary>
    /// <param name="pixels">[height, width, channels] as stored.</param>
    /// <param name="width">Pixels in a stored row.</param>
    /// <param name="height">Stored rows.</param>
    /// <param name="channels">Bytes a pixel.</param>
    /// <param name="orientation">1 to 8.</param>
    public static byte[] Apply(byte[] pixels, int width, int height, int channels, int orientation)
    {
        if (orientation == 1) return pixels;
        // Where the shown picture's pixel (x, y) is stored: an origin and a step for each of x and y, all in pixels.
        int right = width - 1, bottom = (height - 1) * width;
        (var origin, var stepX, var stepY) = orientation switch
        {
            2 => (right, -1, width),
            3 => (bottom + right, -1, -width),
            4 => (bottom, 1, -width),
            5 => (0, width, 1),
            6 => (bottom, -width, 1),
            7 => (bottom + right, -width, -1),
            8 => (right, width, -1),
            _ => throw new ArgumentOutOfRangeException(nameof(orientation), orientation, "orientation: 1 to 8"),
        };
        (var shownWidth, var shownHeight) = Transposes(orientation) ? (height, width) : (width, height);
        var shown = new byte[pixels.Length];
        for (int y = 0, to = 0; y < shownHeight; y++)
        {
            for (int x = 0, from = origin + y * stepY; x < shownWidth; x++, from += stepX)
                for (var channel = 0; channel < channels; channel++) shown[to++] = pixels[from * channels + channel];
        }
        return shown;
    }

    private static int Word(ReadOnlySpan<byte> bytes, int at, bool little) =>
        little ? BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]);
}
