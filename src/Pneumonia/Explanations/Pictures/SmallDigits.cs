namespace Convolve.Pneumonia.Explanations;

/// <summary>Numbers in a picture: digits, point and sign, three by five dots each.</summary>
public static class SmallDigits
{
    /// <summary>Pixels from one character to the next, and rows of one, at zoom 1.</summary>
    public const int Advance = 4, Height = 5;

    // Five rows of three dots, top left first.
    private static readonly Dictionary<char, string> dots = new()
    {
        ['0'] = "###" + "#.#" + "#.#" + "#.#" + "###",
        ['1'] = ".#." + "##." + ".#." + ".#." + "###",
        ['2'] = "###" + "..#" + "###" + "#.." + "###",
        ['3'] = "###" + "..#" + ".##" + "..#" + "###",
        ['4'] = "#.#" + "#.#" + "###" + "..#" + "..#",
        ['5'] = "###" + "#.." + "###" + "..#" + "###",
        ['6'] = "###" + "#.." + "###" + "#.#" + "###",
        ['7'] = "###" + "..#" + ".#." + ".#." + ".#.",
        ['8'] = "###" + "#.#" + "###" + "#.#" + "###",
        ['9'] = "###" + "#.#" + "###" + "..#" + "###",
        ['.'] = "..." + "..." + "..." + "..." + ".#.",
        ['-'] = "..." + "..." + "###" + "..." + "...",
        ['E'] = "###" + "#.." + "##." + "#.." + "###",
        ['+'] = "..." + ".#." + "###" + ".#." + "...",
    };

    /// <summary>Writes a number in light gray; other characters leave a gap.</summary>
    public static void Write(Picture picture, int left, int top, string number, int zoom)
    {
        for (var i = 0; i < number.Length; i++)
        {
            if (!dots.TryGetValue(number[i], out var shape)) continue;
            for (var y = 0; y < Height * zoom; y++)
                for (var x = 0; x < 3 * zoom; x++)
                    if (shape[y / zoom * 3 + x / zoom] == '#') picture[left + i * Advance * zoom + x, top + y] = (232, 234, 237);
        }
    }
}
