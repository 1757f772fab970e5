using System.Runtime.CompilerServices;

namespace Convolve.Pneumonia.Images.Formats;

/// <summary>The codes of one Huffman table of a JPEG (ITU-T T.81, annex C), for looking them up from the bits that follow.</summary>
internal sealed class JpegHuffmanTable
{
    /// <summary>What <see cref="Steps"/> adds for a symbol that ends a block, and for one that no block has.</summary>
    public const int EndOfBlock = 128, NoStep = 255;

    /// <summary>How many bits <see cref="Steps"/> looks at.</summary>
    public const int StepBits = FastBits;

    private const int FastBits = 9;

    private readonly ushort[] fast = new ushort[1 << FastBits];
    private readonly int[] firstCode = new int[17], firstSymbol = new int[17], codes = new int[17];
    private readonly byte[] symbols;
    private ushort[]? steps;

    /// <param name="counts">How many codes have 1, 2, … 16 bits.</param>
    /// <param name="symbols">The symbols of all codes, shortest first.</param>
    /// <exception cref="InvalidDataException">There are more codes than their lengths allow.</exception>
    public JpegHuffmanTable(ReadOnlySpan<byte> counts, ReadOnlySpan<byte> symbols)
    {
        this.symbols = symbols.ToArray();
        int code = 0, symbol = 0;
        for (var length = 1; length <= 16; length++, code <<= 1)
        {
            firstCode[length] = code;
            firstSymbol[length] = symbol;
            codes[length] = counts[length - 1];
            for (var i = 0; i < codes[length]; i++, code++, symbol++)
            {
                if (code >= 1 << length) throw new InvalidDataException("more codes than bits");
                if (length > FastBits) continue;
                var spare = FastBits - length;
                fast.AsSpan(code << spare, 1 << spare).Fill((ushort)(length << 8 | symbols[symbol]));
            }
        }
    }

    /// <summary>The code that the bits begin with: its length in bits × 256 + its symbol; 0 where no code begins so.</summary>
    /// <param name="bits">The bits that follow, the first one highest; at least 16 of them are known.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Find(ulong bits)
    {
        int entry = fast[bits >> (64 - FastBits)];
        return entry != 0 ? entry : FindLong(bits);
    }

    /// <summary>
    /// How far the bits lead in the coefficients of a sequential block, for each beginning of <see cref="StepBits"/> bits: by how many of
    /// them × 256 (a run of zeros and a value, 16 zeros, <see cref="EndOfBlock"/> or <see cref="NoStep"/>) + the bits of the code and of
    /// its value. 0 where the code is longer, and <see cref="LongStep"/> finds it.
    /// </summary>
    public ushort[] Steps
    {
        get
        {
            if (steps is not null) return steps;
            steps = new ushort[fast.Length];
            for (var i = 0; i < fast.Length; i++)
                if (fast[i] != 0) steps[i] = (ushort)StepOf(fast[i]);
            return steps;
        }
    }

    /// <inheritdoc cref="Steps"/>
    public int LongStep(ulong bits) => StepOf(FindLong(bits));

    // Of the sizes 0 only the end of a block and 16 zeros have a meaning.
    private static int StepOf(int code)
    {
        int size = code & 15, run = (code >> 4) & 15, length = (code >> 8) + size;
        var coefficients = size > 0 || run == 15 ? run + 1 : run == 0 && code != 0 ? EndOfBlock : NoStep;
        return coefficients << 8 | length;
    }

    private int FindLong(ulong bits)
    {
        for (var length = FastBits + 1; length <= 16; length++)
        {
            var index = (int)(bits >> (64 - length)) - firstCode[length];
            if (index >= 0 && index < codes[length]) return length << 8 | symbols[firstSymbol[length] + index];
        }
        return 0;
    }
}
