namespace Convolve.Layers.WeightFiles;

/// <summary>
/// How much may be made of a weight file: four times its length and a constant. Weights hardly compress, and float32 is at most four times
/// as long as what a file stores, so a file that becomes more than that is an attack or damaged. Every reader takes from the allowance
/// before it makes something; what is made of nothing (an entry that unpacks, a view that repeats a number, an object for one byte of a pickle)
/// ends there instead of in the machine's memory.
/// </summary>
/// <param name="fileLength">Bytes of the file.</param>
/// <param name="constant">What even the smallest file may become.</param>
internal sealed class Allowance(long fileLength, long constant = Allowance.Constant)
{
    /// <summary>Bytes that even the smallest file may become: half of the 64 MiB beyond which reading must not go; the other half is the collector's.</summary>
    public const long Constant = 32L << 20;

    private const long TimesTheFile = 4;

    // A tensor with its name, shape and places in dictionaries and lists, and the line that tells of it.
    private const long BytesOfATensor = 1024;

    // A name is stored in UTF-16, joined to paths, escaped and written again.
    private const long BytesOfALetter = 16;

    private long left = fileLength > (long.MaxValue - constant) / TimesTheFile ? long.MaxValue : TimesTheFile * fileLength + constant;

    /// <summary>Bytes that may still be made.</summary>
    public long Left => left;

    /// <summary>Takes what is about to be made, or what work costs that as many bytes stand for.</summary>
    /// <param name="bytes">How much.</param>
    /// <param name="what">What needs it, for the message.</param>
    /// <exception cref="FormatException">So much is not left, or the number is negative.</exception>
    public void Take(long bytes, string what)
    {
        if (bytes < 0 || bytes > left) throw new FormatException($"{what} makes the content far larger than the file");
        left -= bytes;
    }

    /// <summary>Takes a text of so many letters or bytes.</summary>
    /// <exception cref="FormatException">So much is not left.</exception>
    public void TakeText(long letters, string what) => Take(letters > long.MaxValue / BytesOfALetter ? long.MaxValue : letters * BytesOfALetter, what);

    /// <summary>Takes a tensor: its numbers as float32, twice where they may be put into another order, and its description.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="shape">Its sizes.</param>
    /// <param name="turned">Whether <see cref="ConvolveLayout"/> may put them into another order.</param>
    /// <returns>The number of its elements.</returns>
    /// <exception cref="FormatException">So much is not left, or there is no such shape (<see cref="ElementConversion.ElementsOf"/>).</exception>
    public int TakeTensor(string name, ReadOnlySpan<long> shape, bool turned)
    {
        var elements = ElementConversion.ElementsOf(name, shape);
        Take(BytesOfATensor + (long)elements * sizeof(float) * (turned && shape.Length is 2 or 4 ? 2 : 1), $"tensor {name}");
        TakeText(name.Length, $"tensor {name}");
        return elements;
    }
}
