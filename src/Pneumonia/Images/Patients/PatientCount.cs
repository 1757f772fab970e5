using System.Text.Json.Serialization;

namespace Convolve.Pneumonia.Images;

/// <summary>Of how many images the patient is known, and from what, as <c>metrics.json</c> and <c>data check --json</c> hold it.</summary>
/// <param name="Rule">The rules that identified patients, the one of most images first, joined with " + "; null where no patient is
/// known.</param>
/// <param name="Recognised">Images whose patient is known.</param>
/// <param name="Images">All images of the folder.</param>
/// <param name="Distinct">Different patients among those recognised.</param>
/// <param name="AcrossParts">Patients among those recognised with images in more than one part; 0 in a folder without parts.</param>
public sealed record PatientCount(string? Rule, int Recognised, int Images, int Distinct = 0, int AcrossParts = 0)
{
    // With fewer, claims about patients would hold for single images more often than a reader expects.
    private const double EnoughShare = 0.9;

    /// <summary>Whether enough patients are known for figures to apply to patients.</summary>
    [JsonIgnore]
    public bool IsEnough => Recognised >= EnoughShare * Images && Images > 0;

    /// <summary>Counts the images of a folder, in the parts that the files are in.</summary>
    public static PatientCount Of(IReadOnlyList<ImageFile> files)
    {
        ImageFile[] known = [.. files.Where(file => file.PatientRule is not null)];
        string[] rules = [.. known.GroupBy(file => file.PatientRule!).OrderByDescending(group => group.Count())
            .ThenBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Key)];
        var patients = known.GroupBy(file => file.Patient, StringComparer.Ordinal).ToArray();
        return new PatientCount(rules.Length == 0 ? null : string.Join(" + ", rules), known.Length, files.Count, patients.Length,
            patients.Count(patient => patient.Select(file => file.Part).Distinct().Count() > 1));
    }

    /// <summary>The count as one line, a warning where figures do not apply to patients.</summary>
    [JsonIgnore]
    public string Note => IsEnough ? ToString() : $"warning: {this}";

    /// <summary>The count in words, one line.</summary>
    public override string ToString()
    {
        if (Rule is null)
        {
            return $"patients unknown: no name of the {Images} images identifies a patient, so each image counts as one patient "
                + $"and no figure applies to new patients; {Advice}";
        }
        var count = Distinct == Recognised ? $"{Distinct} patients with one image each" : $"{Distinct} patients";
        if (Recognised == Images) return $"patients: known for all {Images} images ({Rule}): {count}";
        var some = $"known for {Recognised} of {Images} images ({Rule}): {count}; each of the other {Images - Recognised} counts as "
            + "one patient";
        return IsEnough ? $"patients: {some}" : $"patients mostly unknown: {some}, so no figure applies to new patients; {Advice}";
    }

    private const string Advice = "name the patients with --patient REGEX, or in a manifest.csv with the columns path and patient";
}
