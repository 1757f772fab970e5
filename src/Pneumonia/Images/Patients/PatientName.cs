using System.Globalization;
using System.Text.RegularExpressions;

namespace Convolve.Pneumonia.Images;

/// <summary>The patient of an image, where it is known.</summary>
/// <param name="Patient">Key of the patient; equal keys are the same person.</param>
/// <param name="Rule">The form of name, or the file, that identified it.</param>
public readonly record struct KnownPatient(string Patient, string Rule);

/// <summary>
/// Finds the patient in the names that known collections give their files and folders. Names that merely number images, such as
/// <c>img_1</c>, identify none.
/// </summary>
public static partial class PatientName
{
    /// <summary>
    /// Tries the forms from the clearest to the weakest: a folder that names a patient takes precedence over a file name that may number
    /// series.
    /// <list type="bullet">
    /// <item><c>patientNNNNN</c> in the file's name or that of a folder above it (CheXpert)</item>
    /// <item><c>pNNNNNNNN</c> as a folder, or at the beginning of the file's name (MIMIC-CXR)</item>
    /// <item><c>sub-LABEL</c> as a folder, or at the beginning of the file's name (BIDS)</item>
    /// <item><c>personN</c>: <c>person12_virus_34.jpeg</c> (Kermany, Kaggle edition)</item>
    /// <item><c>CLASS-ID-N</c>: <c>BACTERIA-1008087-0001.jpeg</c>, also with NORMAL and VIRUS (Kermany, Mendeley edition)</item>
    /// <item><c>NNNNNNNN_NNN</c>: <c>00001335_006.png</c> (NIH ChestX-ray14), where the eight digits are no date</item>
    /// <item><c>IM-NNNN</c>: <c>IM-0115-0001.jpeg</c> and <c>NORMAL2-IM-0115-0001.jpeg</c> (Kermany, Kaggle edition)</item>
    /// </list>
    /// </summary>
    /// <param name="relativePath">The path below the data folder, with forward slashes.</param>
    /// <returns>Null where no form fits.</returns>
    public static KnownPatient? Of(string relativePath)
    {
        var names = relativePath.Split('/');
        var file = names[^1];
        // The folder nearest to the file takes precedence.
        foreach (var name in names.Reverse())
        {
            if (Patient().Match(name) is { Success: true } patient) return new("patient" + patient.Groups[1].Value, "patientNNNNN");
            if (MimicPatient().Match(name) is { Success: true } mimic) return new("p" + mimic.Groups[1].Value, "pNNNNNNNN");
            if (BidsSubject().Match(name) is { Success: true } subject) return new("sub-" + subject.Groups[1].Value, "sub-LABEL");
        }
        if (Person().Match(file) is { Success: true } person) return new("person" + person.Groups[1].Value, "personN");
        if (Mendeley().Match(file) is { Success: true } mendeley) return new(mendeley.Groups[1].Value, "CLASS-ID-N");
        if (Nih().Match(file) is { Success: true } nih && !IsDate(nih.Groups[1].Value)) return new(nih.Groups[1].Value, "NNNNNNNN_NNN");
        if (Study().Match(file) is { Success: true } study) return new("IM-" + study.Groups[1].Value, "IM-NNNN");
        return null;
    }

    /// <summary>"bacteria" or "virus" by the name of a file of the Kermany collection; null where it tells none.</summary>
    public static string? KindOf(string fileName) =>
        Kind().Match(fileName) is { Success: true } kind ? kind.Groups[1].Value.ToLowerInvariant() : null;

    // Cameras number the images of a day: the images of 31 January 2020 are not of one patient.
    private static bool IsDate(string digits) =>
        DateTime.TryParseExact(digits, "yyyyMMdd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
        && date.Year is >= 1950 and < 2100;

    private const RegexOptions Options = RegexOptions.IgnoreCase | RegexOptions.CultureInvariant;

    [GeneratedRegex("(?<![A-Za-z])patient[ _-]?([0-9]+)", Options)]
    private static partial Regex Patient();

    [GeneratedRegex("^p([0-9]{8})(?![0-9A-Za-z])", Options)]
    private static partial Regex MimicPatient();

    [GeneratedRegex("^sub-([0-9A-Za-z]+)(?![0-9A-Za-z-])", Options)]
    private static partial Regex BidsSubject();

    [GeneratedRegex("(?<![A-Za-z])person([0-9]+)", Options)]
    private static partial Regex Person();

    [GeneratedRegex("^(?:NORMAL|BACTERIA|VIRUS)-([0-9]+)-[0-9]+", Options)]
    private static partial Regex Mendeley();

    [GeneratedRegex("^([0-9]{8})_[0-9]{3}(?![0-9])", Options)]
    private static partial Regex Nih();

    [GeneratedRegex("(?<![A-Za-z])IM-([0-9]{4,})", Options)]
    private static partial Regex Study();

    [GeneratedRegex("(?:person[0-9]+_|^(?=[a-z]+-[0-9]+-[0-9]))(bacteria|virus)", Options)]
    private static partial Regex Kind();
}
