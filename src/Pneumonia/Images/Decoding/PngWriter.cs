using System.Buffers.Binary;
using System.IO.Compression;

namespace Convolve.Pneumonia.Images;

/// <summary>Writes PNG images (ISO/IEC 15948): gray or RGB, 8 or 16 bits, not interlaced, each row with the filter "Sub".</summary>
public static class PngWriter
{
    private static readonly uint[] crcTable = CrcTable();

    /// <summary>A PNG file of bytes [height, width, channels].</summary>
    /// <param name="pixels">Samples from the top left, channels last.</param>
    /// <param name="width">Pixels in a row.</param>
    /// <param name="height">Rows.</param>
    /// <param name="channels">1 for gray, 3 for red, green, blue.</param>
    public static byte[] Encode(ReadOnlySpan<byte> pixels, int width, int height, int channels) =>
        EncodeSamples(pixels, width, height, channels, 8);

    /// <summary>A PNG file of 16-bit samples [height, width, channels].</summary>
    /// <inheritdoc cref="Encode"/>
    public static byte[] Encode16(ReadOnlySpan<ushort> pixels, int width, int height, int channels)
    {
        var bytes = new byte[pixels.Length * 2];
        for (var i = 0; i < pixels.Length; i++) BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2 * i), pixels[i]);
        return EncodeSamples(bytes, width, height, channels, 16);
    }

    private static byte[] EncodeSamples(ReadOnlySpan<byte> samples, int width, int height, int channels, int bitDepth)
    {
        if (channels is not (1 or 3)) throw new ArgumentOutOfRangeException(nameof(channels), channels, "PNG: 1 or 3 channels");
        int pixelLength = channels * bitDepth / 8, rowLength = width * pixelLength;
        if (width < 1 || height < 1 || samples.Length != rowLength * height)
            throw new ArgumentException(
                $"PNG: {samples.Length} bytes for [{height},{width},{channels}] of {bitDepth} bits, expected {rowLength * height}");

        var header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = (byte)bitDepth;
        header[9] = (byte)(channels == 1 ? 0 : 2);

        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            const byte Sub = 1;
            var line = new byte[1 + rowLength];
            line[0] = Sub;
            for (var y = 0; y < height; y++)
            {
                var row = samples.Slice(y * rowLength, rowLength);
                for (var x = 0; x < rowLength; x++)
                    line[1 + x] = (byte)(row[x] - (x >= pixelLength ? row[x - pixelLength] : 0));
                zlib.Write(line);
            }
        }

        using var file = new MemoryStream();
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, compressed.ToArray());
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);
        var crc = Crc(Crc(0xFFFFFFFF, type), data) ^ 0xFFFFFFFF;
        BinaryPrimitives.WriteUInt32BigEndian(number, crc);
        file.Write(number);
    }

    private static uint Crc(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes) crc = crcTable[(crc ^ b) & 0xFF] ^ (crc >> 8);
        return crc;
    }

    private static uint[] CrcTable()
    {
        var table = new uint[256];
        for (uint n = 0; n < 256; n++)
        {
            var c = n;
            for (var k = 0; k < 8; k++) c = (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1;
            table[n] = c;
        }
        return table;
    }
}
