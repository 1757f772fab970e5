namespace Convolve.Pneumonia.Tests.Images.Formats;

/// <summary>Writes progressive JPEGs of one gray tone, as short as the format allows.</summary>
internal static class JpegWriter
{
    /// <summary>
    /// A gray image of blocks with all coefficients 0. The first scan has one bit per block; the others, one per coefficient and one per
    /// bit of refinement, have runs of 32767 empty blocks.
    /// </summary>
    public static byte[] Empty(int blocksWide, int blocksHigh, int refinements)
    {
        int width = 8 * blocksWide, height = 8 * blocksHigh, blocks = blocksWide * blocksHigh;
        var file = new List<byte> { 0xFF, 0xD8 };
        Segment(0xDB, [0, .. Enumerable.Repeat((byte)1, 64)]);
        Segment(0xC2, [8, (byte)(height >> 8), (byte)height, (byte)(width >> 8), (byte)width, 1, 1, 0x11, 0]);
        // Means: the code 0 is a difference of 0. Waves: 0 ends the block, 10 begins a run of 2^14 and more empty blocks.
        Segment(0xC4, [0x00, 1, .. new byte[15], 0]);
        Segment(0xC4, [0x10, 1, 1, .. new byte[14], 0x00, 0xE0]);
        Scan(0, 0, 0, new string('0', blocks));

        var bands = refinements == 0 ? 1 : 63;
        for (var band = 0; band < bands; band++)
        {
            (var first, var last) = bands == 1 ? (1, 63) : (band + 1, band + 1);
            for (var bit = refinements; bit >= 0; bit--) Scan(first, last, bit == refinements ? bit : (bit + 1) << 4 | bit, Runs());
        }
        file.AddRange([0xFF, 0xD9]);
        return [.. file];

        string Runs()
        {
            var bits = new System.Text.StringBuilder();
            for (var left = blocks; left > 0;)
            {
                var run = left >= 1 << 14 ? Math.Min(left, (1 << 15) - 1) : 1;
                bits.Append(run > 1 ? "10" + Convert.ToString(run - (1 << 14), 2).PadLeft(14, '0') : "0");
                left -= run;
            }
            return bits.ToString();
        }

        void Segment(byte marker, byte[] content)
        {
            file.AddRange([0xFF, marker, (byte)((content.Length + 2) >> 8), (byte)(content.Length + 2)]);
            file.AddRange(content);
        }

        void Scan(int first, int last, int precision, string bits)
        {
            Segment(0xDA, [1, 1, 0x00, (byte)first, (byte)last, (byte)precision]);
            bits = bits.PadRight((bits.Length + 7) / 8 * 8, '1');
            for (var i = 0; i < bits.Length; i += 8)
            {
                var value = Convert.ToByte(bits.Substring(i, 8), 2);
                file.Add(value);
                if (value == 0xFF) file.Add(0);
            }
        }
    }
}
