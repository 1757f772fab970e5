using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>The tables in force at a place in a JPEG (ITU-T T.81, B.2.4); later segments replace earlier ones.</summary>
internal sealed class JpegTables
{
    private readonly JpegHuffmanTable?[] means = new JpegHuffmanTable?[4], waves = new JpegHuffmanTable?[4];
    private readonly int[] meanSteps = new int[4];

    /// <summary>Units between two restart marks; 0 for none.</summary>
    public int RestartInterval { get; private set; }

    /// <exception cref="InvalidDataException">There is no such table.</exception>
    public JpegHuffmanTable Means(int index) => index < 4 && means[index] is { } table ? table
        : throw new InvalidDataException("no Huffman table");

    /// <inheritdoc cref="Means"/>
    public JpegHuffmanTable Waves(int index) => index < 4 && waves[index] is { } table ? table
        : throw new InvalidDataException("no Huffman table");

    /// <summary>The step in which a table quantizes the mean of a block, its first coefficient.</summary>
    /// <inheritdoc cref="Means"/>
    public int MeanStep(int index) => meanSteps[index] > 0 ? meanSteps[index] : throw new InvalidDataException("no quantization table");

    public void ReadHuffman(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            if (content.Length < 17 || (content[0] & 15) > 3 || content[0] >> 4 > 1) throw new InvalidDataException("a bad Huffman table");
            var symbols = 0;
            foreach (var count in content[1..17]) symbols += count;
            if (symbols > 256 || content.Length < 17 + symbols) throw new InvalidDataException("a bad Huffman table");
            (content[0] >> 4 == 0 ? means : waves)[content[0] & 15] = new JpegHuffmanTable(content[1..17], content.Slice(17, symbols));
            content = content[(17 + symbols)..];
        }
    }

    public void ReadQuantization(ReadOnlySpan<byte> content)
    {
        while (content.Length > 0)
        {
            var bytes = content[0] >> 4 == 0 ? 1 : 2;
            if (content[0] >> 4 > 1 || (content[0] & 15) > 3 || content.Length < 1 + 64 * bytes)
                throw new InvalidDataException("a bad quantization table");
            meanSteps[content[0] & 15] = bytes == 1 ? content[1] : BinaryPrimitives.ReadUInt16BigEndian(content[1..]);
            content = content[(1 + 64 * bytes)..];
        }
    }

    public void ReadRestartInterval(ReadOnlySpan<byte> content)
    {
        if (content.Length != 2) throw new InvalidDataException("a bad restart interval");
        RestartInterval = BinaryPrimitives.ReadUInt16BigEndian(content);
    }
}
