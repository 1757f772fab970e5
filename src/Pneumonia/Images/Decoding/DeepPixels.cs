using System.Numerics;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// Brings images of 16 bits to 8. Detectors measure 8, 10, 12 or 14 bits and write them into 16; where the others are empty, the upper byte
/// would be nearly black. How many bits a file uses is told by its pixels alone, so that an image means the same in every folder.
/// </summary>
internal static class DeepPixels
{
    // Letters and frames burnt into an X-ray are as bright as 16 bits allow, whatever the detector. Up to a twentieth of the pixels may be
    // brighter than the bits that the others use; they become white. Of each of 5,232 X-rays at least 43 % is brighter than a quarter of
    // white, so none is near to being taken for one of two bits fewer, which would make it four times as bright.
    private const int MostBrighterShare = 20;

    /// <summary>
    /// The number of bits that the picture uses: the least of 8, 10, 12, 14 and 16 that leaves at most a twentieth of the samples above
    /// 2^bits. Samples as dark as the darkest are not counted: a black border says nothing about the picture within.
    /// </summary>
    /// <param name="samples">[pixels, channels].</param>
    /// <param name="channels">Samples a pixel.</param>
    /// <param name="colours">How many of them, from the first, are counted: all but the transparency.</param>
    public static int UsedBits(ReadOnlySpan<ushort> samples, int channels, int colours)
    {
        Span<long> needing = stackalloc long[17];
        var darkest = ushort.MaxValue;
        long counted = 0, atDarkest = 0;
        for (var i = 0; i < samples.Length; i += channels)
        {
            for (var channel = 0; channel < colours; channel++)
            {
                var sample = samples[i + channel];
                counted++;
                if (sample < darkest) (darkest, atDarkest) = (sample, 0);
                if (sample == darkest) atDarkest++;
                // White scaled to some bits comes out as 2^bits now and then, one too many; it still counts as those bits.
                if (sample > 0) needing[32 - BitOperations.LeadingZeroCount((uint)sample - 1)]++;
            }
        }
        long limit = (counted - atDarkest) / MostBrighterShare, brighter = 0;
        var bits = 16;
        for (; bits > 8; bits -= 2)
        {
            brighter += needing[bits] + needing[bits - 1];
            if (brighter > limit) break;
        }
        return bits;
    }

    /// <summary>Samples of <paramref name="usedBits"/> bits as bytes, their upper 8 bits; brighter ones become white.</summary>
    /// <param name="samples">[pixels, channels].</param>
    /// <param name="channels">Samples a pixel.</param>
    /// <param name="colours">How many of them, from the first, use so few bits; the others, transparency, use all 16.</param>
    /// <param name="usedBits">8 to 16.</param>
    public static byte[] ToBytes(ReadOnlySpan<ushort> samples, int channels, int colours, int usedBits)
    {
        var bytes = new byte[samples.Length];
        var shift = usedBits - 8;
        for (var i = 0; i < samples.Length; i += channels)
        {
            for (var channel = 0; channel < channels; channel++)
            {
                int sample = samples[i + channel];
                bytes[i + channel] = (byte)(channel < colours ? Math.Min(sample >> shift, byte.MaxValue) : sample >> 8);
            }
        }
        return bytes;
    }
}
