using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// Reads the entropy-coded data of a JPEG's scans (ITU-T T.81, F.2 and G.2) without making pixels of them. Data are whole if every code is
/// one of the table's, no block has more than 64 coefficients, no mean is brighter than white can be, and every restart interval ends where
/// its blocks do. A JPEG has no checksum: a wrong bit that leaves all of that as it is cannot be seen, and changes a few coefficients only.
/// </summary>
internal sealed class JpegScan : IDisposable
{
    // Cameras are known to write a byte or two too many before a marker; decoders skip them.
    private const int MostExtraBytes = 3;

    // The first coefficient of a block is 8 times its mean, which is at most 128 from gray; rounded to a step, and by fast transforms, a
    // little more.
    private const int LargestMean = 8 * 128 + 8;

    // A picture needs about ten scans. Thousands over a large one would be minutes of work for a few bytes each.
    private const int MostVisitsOfBlock = 128, VisitsForNothing = 1 << 24;

    private const byte NeverSent = 0xFF;

    // A code of at most 16 bits and a value of at most 15. A block's 64 may be read beyond the end before that is noticed.
    private const int Padding = 64 * (16 + 15) / 8 + 16;

    private readonly byte[] file;
    private readonly string path;
    private readonly JpegFrame frame;
    private readonly JpegTables tables;
    private readonly byte[] data;
    // For each colour: the lowest bit sent of each of the 64 coefficients, and, where progressive, which of them are not zero in each
    // block.
    private readonly byte[][] lowestBit;
    private readonly ulong[]?[] nonZero;
    private long visits;
    private long position, end;
    private int skippedBlocks;
    private bool fileEnded;

    private enum Fault { None, DataEnd, BadCode }

    public JpegScan(byte[] file, JpegFrame frame, JpegTables tables, string path)
    {
        (this.file, this.frame, this.tables, this.path) = (file, frame, tables, path);
        data = ArrayPool<byte>.Shared.Rent(file.Length + Padding);
        lowestBit = new byte[frame.Components.Length][];
        for (var i = 0; i < lowestBit.Length; i++)
        {
            lowestBit[i] = new byte[64];
            lowestBit[i].AsSpan().Fill(NeverSent);
        }
        nonZero = new ulong[frame.Components.Length][];
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(data);

    /// <summary>Reads a scan.</summary>
    /// <param name="at">Position of the scan's header, behind its marker.</param>
    /// <returns>Position of the marker that ends it.</returns>
    /// <exception cref="UnreadableImage">The scan is damaged or cut off.</exception>
    public int Check(int at)
    {
        try
        {
            return CheckData(at);
        }
        catch (InvalidDataException e)
        {
            throw Damaged($"({e.Message})");
        }
    }

    /// <summary>Checks that the scans read so far make a whole picture.</summary>
    /// <exception cref="UnreadableImage">Colours or details were not sent.</exception>
    public void CheckComplete()
    {
        foreach (var sent in lowestBit)
            if (sent.AsSpan().IndexOfAnyExcept((byte)0) >= 0) throw Damaged("(scans of its picture are missing)");
    }

    private int CheckData(int at)
    {
        var header = ReadHeader(ref at);
        var alone = header.Colours[0].Component;
        var interleaved = header.Colours.Length > 1;
        var units = interleaved ? (long)frame.UnitsWide * frame.UnitsHigh : (long)alone.BlocksWide * alone.BlocksHigh;
        visits += header.Colours.Sum(colour => (long)colour.Component.BlocksWide * colour.Component.BlocksHigh);
        if (visits > VisitsForNothing + MostVisitsOfBlock * frame.Blocks)
            throw Damaged($"(more scans than a picture of {frame.Width} × {frame.Height} pixels needs)");

        var restartInterval = tables.RestartInterval;
        long unit = 0;
        for (var restart = 0; ; restart++)
        {
            at = Unstuff(at);
            foreach (var colour in header.Colours) colour.Mean = 0;
            skippedBlocks = 0;
            var last = restartInterval == 0 ? units : Math.Min(units, unit + restartInterval);
            var fault = Fault.None;
            if (frame.Progressive && header.FirstCoefficient > 0)
            {
                fault = ProgressiveWaves(header, ref unit, last);
            }
            else
            {
                for (; unit < last && fault == Fault.None; unit++)
                    fault = interleaved ? Unit(header) : Block(header, header.Colours[0]);
                if (fault != Fault.None) unit--;
            }
            if (fault != Fault.None) throw Broken(fault, unit, units);
            if (skippedBlocks > 0) throw Damaged("(more empty blocks than there are)");
            if ((end - position) / 8 > MostExtraBytes) throw Damaged($"({(end - position) / 8} extra bytes after the pixels)");
            if (unit == units) return at;
            while (at < file.Length && file[at] == 0xFF) at++;
            if (at == file.Length) throw Broken(Fault.DataEnd, unit, units);
            if (file[at] != 0xD0 + restart % 8) throw Damaged($"(no restart mark after {Percent(unit, units)} of the picture)");
            at++;
        }
    }

    private sealed record Header(ScanColour[] Colours, int FirstCoefficient, int LastCoefficient, int HighBit, int LowBit);

    // A colour in a scan: its index in the frame, the tables that the scan names, and the mean of its last block.
    private sealed class ScanColour(int index, JpegComponent component)
    {
        public int Index { get; } = index;

        public JpegComponent Component { get; } = component;

        public int BlocksOfUnit { get; } = component.Horizontal * component.Vertical;

        public JpegHuffmanTable? Means { get; set; }

        public JpegHuffmanTable? Waves { get; set; }

        public int MeanStep { get; set; }

        public int Mean { get; set; }
    }

    private Header ReadHeader(ref int at)
    {
        if (at + 2 > file.Length) throw CutOff();
        int length = BinaryPrimitives.ReadUInt16BigEndian(file.AsSpan(at));
        if (at + length > file.Length) throw CutOff();
        if (length < 8) throw new InvalidDataException("a bad scan header");
        ReadOnlySpan<byte> content = file.AsSpan(at + 2, length - 2);
        at += length;
        int count = content[0];
        if (count < 1 || count > frame.Components.Length || content.Length != 4 + 2 * count)
            throw new InvalidDataException("a bad scan header");
        (int first, int last, var high, var low) = (content[^3], content[^2], content[^1] >> 4, content[^1] & 15);
        var bands = frame.Progressive;
        // Sequential scans hold everything; some encoders leave these numbers at 0.
        if (!bands) (first, last, high, low) = (0, 63, 0, 0);
        if (first > last || last > 63 || low > 13 || bands && first == 0 && last > 0 || first > 0 && count > 1
            || high > 0 && high != low + 1)
            throw new InvalidDataException("a bad scan header");

        var header = new Header(new ScanColour[count], first, last, high, low);
        for (var i = 0; i < count; i++)
        {
            int id = content[1 + 2 * i], selectors = content[2 + 2 * i];
            var index = Array.FindIndex(frame.Components, component => component.Id == id);
            if (index < 0 || header.Colours.Any(other => other?.Index == index))
                throw new InvalidDataException("a scan of an unknown colour");
            var colour = new ScanColour(index, frame.Components[index]);
            if (first == 0 && high == 0)
            {
                colour.Means = tables.Means(selectors >> 4);
                colour.MeanStep = tables.MeanStep(colour.Component.Quantization);
            }
            if (last > 0) colour.Waves = tables.Waves(selectors & 15);
            MarkSent(lowestBit[index].AsSpan(first, last - first + 1), high, low);
            header.Colours[i] = colour;
        }
        return header;
    }

    // Each coefficient is sent once, and then refined bit by bit (G.1.1.1).
    private static void MarkSent(Span<byte> sent, int high, int low)
    {
        foreach (ref var bit in sent)
        {
            if (bit != (high == 0 ? NeverSent : high)) throw new InvalidDataException("scans out of order");
            bit = (byte)low;
        }
    }

    // Copies the entropy-coded data up to the next marker, without the zeros that follow each 0xFF in them.
    private int Unstuff(int at)
    {
        ReadOnlySpan<byte> rest = file.AsSpan(at);
        int length = 0, from = 0;
        while (true)
        {
            var run = rest[from..].IndexOf((byte)0xFF);
            if (run < 0) run = rest.Length - from;
            rest.Slice(from, run).CopyTo(data.AsSpan(length));
            length += run;
            from += run;
            var next = from;
            while (next < rest.Length && rest[next] == 0xFF) next++;
            fileEnded = next == rest.Length;
            if (fileEnded || rest[next] != 0) break;
            data[length++] = 0xFF;
            from = next + 1;
        }
        data.AsSpan(length, Padding).Clear();
        position = 0;
        end = 8L * length;
        return at + from;
    }

    // The next 57 bits or more, the first one highest.
    private static ulong Peek(byte[] data, long position) =>
        BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan((int)(position >> 3))) << (int)(position & 7);

    private Fault Unit(Header header)
    {
        foreach (var colour in header.Colours)
        {
            for (var block = colour.BlocksOfUnit; block > 0; block--)
                if (Block(header, colour) is var fault and not Fault.None) return fault;
        }
        return Fault.None;
    }

    // The mean of a block and, unless the JPEG is progressive, its other coefficients.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private Fault Block(Header header, ScanColour colour)
    {
        if (header.HighBit > 0) return ++position > end ? Fault.DataEnd : Fault.None;
        var source = data;
        var at = position;
        var bits = Peek(source, at);
        int code = colour.Means!.Find(bits), size = code & 0xFF, length = code >> 8;
        if (code == 0 || size > 15) return BadCode(at);
        if (size > 0)
        {
            // A value of `size` bits; without its highest bit it is negative, counted from −(2^size − 1).
            var value = (int)(bits << length >> (64 - size));
            if (value < 1 << (size - 1)) value -= (1 << size) - 1;
            colour.Mean += value;
            if (Math.Abs((long)colour.Mean << header.LowBit) * colour.MeanStep > LargestMean + colour.MeanStep) return BadCode(at);
        }
        at += length + size;
        if (header.LastCoefficient > 0)
        {
            // The coefficients 1 to 63: each a run of zeros before it and its size, then its value; size 0 ends the block, or is 16 zeros.
            var table = colour.Waves!;
            var steps = table.Steps;
            bits <<= length + size;
            int k = 1, known = 57 - length - size;
            while (true)
            {
                int step = steps[bits >> (64 - JpegHuffmanTable.StepBits)];
                if (step == 0) step = table.LongStep(bits);
                k += step >> 8;
                at += step & 0xFF;
                known -= step & 0xFF;
                if (k >= 64) break;
                bits <<= step & 0xFF;
                // A code has at most 16 bits, and its value is not looked at.
                if (known >= 16) continue;
                bits = Peek(source, at);
                known = 57;
            }
            if (k is > 64 and < JpegHuffmanTable.EndOfBlock or > JpegHuffmanTable.NoStep) return BadCode(at);
        }
        position = at;
        return at > end ? Fault.DataEnd : Fault.None;
    }

    private Fault ProgressiveWaves(Header header, ref long unit, long last)
    {
        var colour = header.Colours[0];
        var blocks = nonZero[colour.Index] ??= new ulong[colour.Component.BlocksWide * colour.Component.BlocksHigh];
        for (; unit < last; unit++)
        {
            if (header.HighBit == 0 && skippedBlocks > 0)
            {
                var together = (int)Math.Min(skippedBlocks, last - unit);
                skippedBlocks -= together;
                unit += together - 1;
                continue;
            }
            ref var block = ref blocks[unit];
            var fault = header.HighBit == 0 ? FirstWaves(header, ref block) : RefinedWaves(header, ref block);
            if (fault != Fault.None) return fault;
        }
        return Fault.None;
    }

    // G.1.2.2: as in sequential scans, and a size of 0 with a run r below 15 ends this block and the next 2^r − 1 + (r more bits).
    private Fault FirstWaves(Header header, ref ulong block)
    {
        for (var k = header.FirstCoefficient; k <= header.LastCoefficient;)
        {
            var bits = Peek(data, position);
            int code = header.Colours[0].Waves!.Find(bits), size = code & 15, run = (code >> 4) & 15, length = code >> 8;
            if (code == 0) return BadCode(position);
            if (size == 0 && run < 15)
            {
                skippedBlocks = (1 << run) - 1 + (run > 0 ? (int)(bits << length >> (64 - run)) : 0);
                position += length + run;
                return position > end ? Fault.DataEnd : Fault.None;
            }
            position += length + size;
            if (position > end) return Fault.DataEnd;
            k += run;
            if (k > header.LastCoefficient) return BadCode(position);
            if (size > 0) block |= 1ul << k;
            k++;
        }
        return Fault.None;
    }

    // G.1.2.3: a run counts only coefficients that are still zero; each other one that it passes has a bit of correction.
    private Fault RefinedWaves(Header header, ref ulong block)
    {
        var k = header.FirstCoefficient;
        if (skippedBlocks > 0)
        {
            skippedBlocks--;
            return Corrections(block, k, header.LastCoefficient);
        }
        while (k <= header.LastCoefficient)
        {
            var bits = Peek(data, position);
            int code = header.Colours[0].Waves!.Find(bits), size = code & 15, run = (code >> 4) & 15, length = code >> 8;
            if (code == 0 || size > 1) return BadCode(position);
            if (size == 0 && run < 15)
            {
                skippedBlocks = (1 << run) - 1 + (run > 0 ? (int)(bits << length >> (64 - run)) : 0);
                position += length + run;
                return Corrections(block, k, header.LastCoefficient);
            }
            position += length + size;
            for (; k <= header.LastCoefficient; k++)
            {
                if ((block >> k & 1) != 0) position++;
                else if (run-- == 0) break;
            }
            if (position > end) return Fault.DataEnd;
            if (k > header.LastCoefficient) return BadCode(position);
            if (size > 0) block |= 1ul << k;
            k++;
        }
        return position > end ? Fault.DataEnd : Fault.None;
    }

    private Fault Corrections(ulong block, int first, int last)
    {
        var band = ulong.MaxValue >> (63 - last) & ulong.MaxValue << first;
        position += BitOperations.PopCount(block & band);
        return position > end ? Fault.DataEnd : Fault.None;
    }

    // The zeros behind the end are no code of the data's.
    private Fault BadCode(long at) => at + 16 > end ? Fault.DataEnd : Fault.BadCode;

    private UnreadableImage Broken(Fault fault, long unit, long units)
    {
        var place = Percent(unit, units);
        if (fault == Fault.BadCode) return Damaged($"(its data is invalid after {place} of the picture)");
        return fileEnded ? new UnreadableImage(path, $"is a JPEG image that was cut off after {place} of the picture")
            : new UnreadableImage(path, $"is a damaged JPEG: its data ends after {place} of the picture");
    }

    private static string Percent(long part, long whole) => $"{100 * part / whole} %";

    private UnreadableImage Damaged(string reason) => new(path, $"is a damaged JPEG {reason}");

    private UnreadableImage CutOff() => new(path, "is a JPEG image that was cut off before its end");
}
