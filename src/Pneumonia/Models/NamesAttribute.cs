using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>Two or more different names, separated by commas; a name with a comma is in double quotes.</summary>
internal sealed class NamesAttribute(string help) : OptionAttribute("A,B", help, "two or more different names with commas between them")
{
    protected override object? Parse(string text)
    {
        try
        {
            return CsvText.Records(text) is [var names] && names.Length > 1 && names.All(part => part.Length > 0)
                && names.Distinct().Count() == names.Length
                ? names : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
