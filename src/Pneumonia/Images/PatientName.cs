using System.Text.RegularExpressions;

namespace Convolve.Pneumonia.Images;

/// <summary>Reads the patient off a file name of the Kermany collection.</summary>
public static partial class PatientName
{
    /// <summary>
    /// <c>personN</c> from <c>person12_virus_34.jpeg</c>; <c>IM-NNNN</c> from <c>IM-0115-0001.jpeg</c> and
    /// <c>NORMAL2-IM-0115-0001.jpeg</c>; null where the name holds neither.
    /// </summary>
    public static string? Of(string fileName)
    {
        Match person = Person().Match(fileName);
        if (person.Success) return "person" + person.Groups[1].Value;
        Match study = Study().Match(fileName);
        return study.Success ? "IM-" + study.Groups[1].Value : null;
    }

    [GeneratedRegex(@"(?<![A-Za-z])person([0-9]+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Person();

    [GeneratedRegex(@"(?<![A-Za-z])IM-([0-9]{4,})", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Study();
}
