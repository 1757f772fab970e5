using System.Text;
using ADRaffy.ENSNormalize;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// The two ways in which Unicode writes a letter with marks (ü in one, or u with ¨ behind it), as systems name files in both. The runtime's
/// own normalization needs ICU, which the program does not, and leaves texts as they are without it.
/// </summary>
public static class UnicodeForm
{
    /// <summary>Letters and marks in one (NFC).</summary>
    public static string Composed(string text) => Ascii.IsValid(text) ? text : ENSNormalize.NF.NFC(text);

    /// <summary>Marks behind their letters (NFD).</summary>
    public static string Decomposed(string text) => Ascii.IsValid(text) ? text : ENSNormalize.NF.NFD(text);
}
