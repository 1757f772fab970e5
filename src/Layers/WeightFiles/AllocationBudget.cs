namespace Convolve.Layers.WeightFiles;

/// <summary>
/// The memory that reading one weight file may take: four times its length plus a constant. Weights hardly compress, and float32 is at most
/// four times as long as what a file stores, so a file that needs more is crafted or damaged. Every reader takes from the budget before it
/// allocates; a compressed entry, a view that repeats one number, or a pickle with an object per byte ends there instead of filling memory.
/// </summary>
/// <param name="fileLength">Bytes of the file.</param>
/// <param name="constant">Bytes that even the smallest file may take.</param>
internal sealed class AllocationBudget(long fileLength, long constant = AllocationBudget.Constant)
{
    /// <summary>
    /// Bytes that even the smallest file may take: half of the 64 MiB that reading may cost; the other half is for garbage not yet
    /// collected.
    /// </summary>
    public const long Constant = 32L << 20;

    private const long TimesTheFile = 4;

    // A tensor's name, shape, entries in dictionaries and lists, and line of output.
    private const long BytesOfATensor = 1024;

    // A name is stored in UTF-16, joined into paths, escaped and written.
    private const long BytesOfACharacter = 16;

    private long left = fileLength > (long.MaxValue - constant) / TimesTheFile ? long.MaxValue : TimesTheFile * fileLength + constant;

    /// <summary>Bytes left.</summary>
    public long Left => left;

    /// <summary>Takes what is about to be allocated; work is counted in bytes, too.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="what">What needs them, for the message.</param>
    /// <exception cref="FormatException">Not that many are left, or the number is negative.</exception>
    public void Take(long bytes, string what)
    {
        if (bytes < 0 || bytes > left) throw new FormatException($"{what} makes the content far larger than the file");
        left -= bytes;
    }

    /// <summary>Takes the memory of a text.</summary>
    /// <exception cref="FormatException">Not that many bytes are left.</exception>
    public void TakeText(long characters, string what) =>
        Take(characters > long.MaxValue / BytesOfACharacter ? long.MaxValue : characters * BytesOfACharacter, what);

    /// <summary>Takes the memory of a tensor: its float32 values, twice if they may be reordered, and its description.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="reordered">Whether <see cref="ConvolveLayout"/> may reorder its values.</param>
    /// <returns>The number of its elements.</returns>
    /// <exception cref="FormatException">Not that many bytes are left, or the shape is impossible
    /// (<see cref="ElementConversion.ElementsOf"/>).</exception>
    public int TakeTensor(string name, ReadOnlySpan<long> shape, bool reordered)
    {
        var elements = ElementConversion.ElementsOf(name, shape);
        Take(BytesOfATensor + (long)elements * sizeof(float) * (reordered && shape.Length is 2 or 4 ? 2 : 1), $"tensor {name}");
        TakeText(name.Length, $"tensor {name}");
        return elements;
    }
}
