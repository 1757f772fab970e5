using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Data;

/// <summary>Settings of <c>data check</c>.</summary>
public sealed record DataCheckSettings
{
    /// <summary>Data folder.</summary>
    [Data("folder of images, {train,val,test}/CLASS/* or CLASS/*", Missing = "which images? give their folder with --data DIR")]
    public string Data { get; init; } = "";

    /// <summary>Where class labels come from.</summary>
    [Labels]
    public LabelScheme Labels { get; init; }

    /// <summary>A regular expression for the patient in a path; null for the known file names.</summary>
    [Patient]
    public string? Patient { get; init; }

    [Json]
    public bool Json { get; init; }
}

/// <summary>Checks every image of a folder and reports problems for a training.</summary>
public static class DataCheck
{
    // More lines would hide the summary; --json has all of them.
    private const int LinesShown = 10;
    private const int ProgressStep = 1000;

    public static Task<int> RunAsync(DataCheckSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        var folder = ImageFolder.Find(settings.Data, settings.Labels, settings.Patient);
        var found = DatasetCheck.Of(folder, done =>
        {
            if (done % ProgressStep == 0) terminal.Note($"{done} of {folder.Files.Count} images");
        }, cancellation);
        if (settings.Json) terminal.WriteJson(found);
        else Print(found, terminal.Results);
        return Task.FromResult(0);
    }

    private static void Print(DatasetCheck found, TextWriter output)
    {
        output.WriteLine($"{found.Data}: {found.Images} images");
        output.WriteLine($"  {found.Patients.Note}");
        foreach (var note in found.Notes.Concat(found.Remarks)) output.WriteLine($"  {note}");
        foreach (var part in found.Counts.GroupBy(count => count.Part))
            output.WriteLine($"  {part.Key,-6}{string.Join(", ", part.Select(count => $"{count.Images} {count.Class}"))}");
        if (found.Sizes is { } sizes)
        {
            output.WriteLine(
                $"  sizes {sizes.SmallestWidth} × {sizes.SmallestHeight} to {sizes.LargestWidth} × {sizes.LargestHeight} pixels, "
                + $"median {sizes.MedianWidth} × {sizes.MedianHeight}");
        }
        Section("unreadable files", found.Unreadable, file => $"{file.Path}: {file.Reason}");
        Section("groups of images with identical pixels", found.Identical, group => string.Join(" = ", group.Paths)
            + (group.AcrossParts ? "  [in several parts]" : "") + (group.AcrossClasses ? "  [in several classes]" : ""));
        if (found.CopiesAcrossParts > 0)
            output.WriteLine(
                $"{found.CopiesAcrossParts} images of val or test are copies of others in an earlier part; train leaves them out");
        Section("patients in several parts", found.DividedPatients,
            patient => $"{patient.Patient}: {patient.Images} images in {string.Join(", ", patient.Parts)}");

        void Section<T>(string what, IReadOnlyList<T> entries, Func<T, string> line)
        {
            output.WriteLine($"{entries.Count} {what}");
            foreach (var entry in entries.Take(LinesShown)) output.WriteLine("  " + line(entry));
            if (entries.Count > LinesShown) output.WriteLine($"  … and {entries.Count - LinesShown} more (--json lists all)");
        }
    }
}
