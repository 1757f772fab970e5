using System.Buffers.Binary;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>One colour of a JPEG.</summary>
/// <param name="Id">What scans call it.</param>
/// <param name="Horizontal">Blocks of 8 × 8 beside each other in a unit of all colours.</param>
/// <param name="Vertical">Blocks below each other in such a unit.</param>
/// <param name="Quantization">Index of its quantization table.</param>
internal sealed record JpegComponent(int Id, int Horizontal, int Vertical, int Quantization)
{
    /// <summary>Blocks in a row and rows of blocks that hold pixels; a scan of this colour alone has just these.</summary>
    public int BlocksWide { get; set; }

    /// <inheritdoc cref="BlocksWide"/>
    public int BlocksHigh { get; set; }
}

/// <summary>The frame header of a JPEG (ITU-T T.81, B.2.2) and the sizes that follow from it (A.1.1).</summary>
internal sealed class JpegFrame
{
    private JpegFrame(bool progressive, int bitDepth, int width, int height, JpegComponent[] components)
    {
        (Progressive, BitDepth, Width, Components) = (progressive, bitDepth, width, components);
        HeightFollows = height == 0;
        SetHeight(height);
    }

    public bool Progressive { get; }

    /// <summary>Bits of a sample.</summary>
    public int BitDepth { get; }

    public int Width { get; }

    public int Height { get; private set; }

    /// <summary>Whether the frame header says 0 for the height, which follows the first scan then.</summary>
    public bool HeightFollows { get; }

    public JpegComponent[] Components { get; }

    /// <summary>Units of all colours (MCU) in a row, and rows of them.</summary>
    public int UnitsWide { get; private set; }

    /// <inheritdoc cref="UnitsWide"/>
    public int UnitsHigh { get; private set; }

    /// <summary>Blocks of all colours that hold pixels.</summary>
    public long Blocks => Components.Sum(component => (long)component.BlocksWide * component.BlocksHigh);

    /// <exception cref="InvalidDataException">The header contradicts itself.</exception>
    public static JpegFrame Read(ReadOnlySpan<byte> content, bool progressive)
    {
        if (content.Length < 6 || content[5] is < 1 or > 4 || content.Length != 6 + 3 * content[5])
            throw new InvalidDataException("a bad frame header");
        var components = new JpegComponent[content[5]];
        for (var i = 0; i < components.Length; i++)
        {
            var entry = content.Slice(6 + 3 * i, 3);
            components[i] = new JpegComponent(entry[0], entry[1] >> 4, entry[1] & 15, entry[2]);
            if (components[i] is { Horizontal: < 1 or > 4 } or { Vertical: < 1 or > 4 } or { Quantization: > 3 })
                throw new InvalidDataException("a bad frame header");
        }
        return new JpegFrame(progressive, content[0], BinaryPrimitives.ReadUInt16BigEndian(content[3..]),
            BinaryPrimitives.ReadUInt16BigEndian(content[1..]), components);
    }

    public void SetHeight(int height)
    {
        Height = height;
        int horizontal = Components.Max(component => component.Horizontal), vertical = Components.Max(component => component.Vertical);
        UnitsWide = Ceiling(Width, 8 * horizontal);
        UnitsHigh = Ceiling(height, 8 * vertical);
        foreach (var component in Components)
        {
            component.BlocksWide = Ceiling(Ceiling(Width * component.Horizontal, horizontal), 8);
            component.BlocksHigh = Ceiling(Ceiling(height * component.Vertical, vertical), 8);
        }
    }

    private static int Ceiling(int value, int divisor) => (value + divisor - 1) / divisor;
}
