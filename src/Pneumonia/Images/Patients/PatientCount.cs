using System.Text.Json.Serialization;

namespace Convolve.Pneumonia.Images;

/// <summary>How many images tell their patient, and by what, as <c>metrics.json</c> and <c>data check --json</c> hold it.</summary>
/// <param name="Rule">The rules that told patients, the one of most images first, joined with " + "; null where no image told one.</param>
/// <param name="Recognised">Images that told their patient.</param>
/// <param name="Images">All images of the folder.</param>
/// <param name="Distinct">Different patients among those recognised.</param>
/// <param name="AcrossParts">Patients among those recognised with images in more than one part; 0 in a folder without parts.</param>
public sealed record PatientCount(string? Rule, int Recognised, int Images, int Distinct = 0, int AcrossParts = 0)
{
    // With fewer, what is said of patients would be about single images more often than a reader expects.
    private const double EnoughShare = 0.9;

    /// <summary>Whether so many images tell their patient that figures may be said to be about patients.</summary>
    [JsonIgnore]
    public bool IsEnough => Recognised >= EnoughShare * Images && Images > 0;

    /// <summary>Counts the images of a folder; parts are those that the files stand in.</summary>
    public static PatientCount Of(IReadOnlyList<ImageFile> files)
    {
        ImageFile[] told = [.. files.Where(file => file.PatientRule is not null)];
        string[] rules = [.. told.GroupBy(file => file.PatientRule!).OrderByDescending(group => group.Count())
            .ThenBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Key)];
        var patients = told.GroupBy(file => file.Patient, StringComparer.Ordinal).ToArray();
        return new PatientCount(rules.Length == 0 ? null : string.Join(" + ", rules), told.Length, files.Count, patients.Length,
            patients.Count(patient => patient.Select(file => file.Part).Distinct().Count() > 1));
    }

    /// <summary>The same in words as a line of its own, as a warning where figures are not about patients.</summary>
    [JsonIgnore]
    public string Note => IsEnough ? ToString() : $"warning: {this}";

    /// <summary>The same in words, one line.</summary>
    public override string ToString()
    {
        if (Rule is null)
        {
            return $"patients unknown: not one of {Images} images tells its patient by its name, so each counts as a patient of its own "
                + $"and no figure is about new patients; {Advice}";
        }
        string count = Distinct == Recognised ? $"{Distinct} patients, each with one image" : $"{Distinct} patients";
        if (Recognised == Images) return $"patients: all {Images} images tell theirs ({Rule}): {count}";
        string some = $"{Recognised} of {Images} images tell theirs ({Rule}): {count}; the other {Images - Recognised} stand alone";
        return IsEnough ? $"patients: {some}" : $"patients mostly unknown: only {some}, so no figure is about new patients; {Advice}";
    }

    private const string Advice = "name the patients with --patient REGEX, or in a manifest.csv with the columns path and patient";
}
