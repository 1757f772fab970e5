using System.Collections.Concurrent;

namespace Convolve.Pneumonia.Images;

/// <summary>Images of one class in one part.</summary>
/// <param name="Part">"train", "val" or "test"; "all" in a folder without parts.</param>
public sealed record ClassCount(string Part, string Class, int Images);

/// <summary>Widths and heights of the readable images, in pixels.</summary>
public sealed record SizeRange(int SmallestWidth, int MedianWidth, int LargestWidth, int SmallestHeight, int MedianHeight,
    int LargestHeight);

/// <summary>A file that cannot be decoded, and why.</summary>
public sealed record UnreadableFile(string Path, string Reason);

/// <summary>Files with identical pixels.</summary>
/// <param name="Paths">Relative paths.</param>
/// <param name="AcrossParts">Whether they lie in more than one part, so that a model is tested on what it has seen.</param>
/// <param name="AcrossClasses">Whether they have more than one class, so that one of them must be wrong.</param>
public sealed record IdenticalImages(IReadOnlyList<string> Paths, bool AcrossParts, bool AcrossClasses);

/// <summary>A patient with images in more than one part.</summary>
public sealed record DividedPatient(string Patient, IReadOnlyList<string> Parts, int Images);

/// <summary>What <c>data check</c> finds in a folder; decodes every image.</summary>
/// <param name="Data">The folder.</param>
/// <param name="Images">Number of image files, unreadable ones included.</param>
/// <param name="Patients">Of how many images the patient is known, and from what.</param>
/// <param name="Counts">Images of every class in every part.</param>
/// <param name="Sizes">Null where no image is readable.</param>
/// <param name="Unreadable">Files that cannot be decoded.</param>
/// <param name="Identical">Groups of files with identical pixels.</param>
/// <param name="DividedPatients">Patients on both sides of a split.</param>
/// <param name="LeftOut">Images that a training would not use, by kind.</param>
/// <param name="CopiesAcrossParts">Images of val and test whose pixels are in an earlier part; a training leaves them out.</param>
/// <param name="Notes">What was assumed and what is left out, one line each.</param>
public sealed record DatasetCheck(
    string Data, int Images, PatientCount Patients, IReadOnlyList<ClassCount> Counts, SizeRange? Sizes,
    IReadOnlyList<UnreadableFile> Unreadable,
    IReadOnlyList<IdenticalImages> Identical, IReadOnlyList<DividedPatient> DividedPatients,
    IReadOnlyList<LeftOut> LeftOut, int CopiesAcrossParts, IReadOnlyList<string> Notes)
{
    /// <summary>What was assumed to decode the images, a line for each kind (<see cref="ImageRemarks"/>).</summary>
    public IReadOnlyList<string> Remarks { get; init; } = [];

    /// <summary>Looks at every image of a folder, in parallel.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="progress">Told the number of images done, from any thread; may be null.</param>
    /// <param name="cancellation">Stops the check.</param>
    public static DatasetCheck Of(ImageSet folder, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        var files = folder.Files;
        var decoded = new (int Width, int Height, string Hash)?[files.Count];
        var unreadable = new ConcurrentDictionary<int, string>();
        var remarks = new ImageRemarks();
        var done = 0;
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, files.Count, options, i =>
        {
            try
            {
                var image = ImageDecoder.Decode(files[i].Path);
                remarks.Add(i, files[i].RelativePath, image);
                decoded[i] = (image.Width, image.Height, image.PixelHash());
            }
            catch (UnreadableImage e)
            {
                unreadable[i] = e.Reason;
            }
            progress?.Invoke(Interlocked.Increment(ref done));
        });

        ClassCount[] counts = [.. files.GroupBy(file => (file.Part, file.Class))
            .OrderBy(group => group.Key.Part).ThenBy(group => group.Key.Class, StringComparer.Ordinal)
            .Select(group => new ClassCount(NameOf(group.Key.Part), group.Key.Class, group.Count()))];
        IdenticalImages[] identical = [.. Enumerable.Range(0, files.Count).Where(i => decoded[i] is not null)
            .GroupBy(i => decoded[i]!.Value.Hash).Where(group => group.Count() > 1)
            .Select(group => new IdenticalImages(
                [.. group.Select(i => files[i].RelativePath)],
                group.Select(i => files[i].Part).Distinct().Count() > 1,
                group.Select(i => files[i].Class).Distinct().Count() > 1))];
        DividedPatient[] divided =
            [.. files.Where(file => file.PatientRule is not null).GroupBy(file => file.Patient, StringComparer.Ordinal)
            .Where(group => group.Select(file => file.Part).Distinct().Count() > 1)
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .Select(group =>
                new DividedPatient(group.Key, [.. group.Select(file => file.Part).Distinct().Order().Select(NameOf)], group.Count()))];
        UnreadableFile[] damaged = [.. unreadable.OrderBy(entry => entry.Key)
            .Select(entry => new UnreadableFile(files[entry.Key].RelativePath, entry.Value))];
        var unread = damaged.Select(file => new LeftOut(LeftOutKind.Damaged, 1, file.Path));
        var copies = CopiesAcross(files, [.. decoded.Select(image => image?.Hash)]);
        return new DatasetCheck(folder.Root, files.Count, folder.Patients!, counts, RangeOf(decoded), damaged, identical, divided,
            Convolve.Pneumonia.Images.LeftOut.Together([.. folder.LeftOut, .. unread]), copies, folder.Notes)
        {
            Remarks = remarks.Lines,
        };
    }

    private static int CopiesAcross(IReadOnlyList<ImageFile> files, string?[] hashes)
    {
        var copies = new CopiesOfEarlierParts(files, hashes);
        copies.LeaveOut([.. Enum.GetValues<ImagePart>().Select(part => files.Where(file => file.Part == part).ToList())]);
        return copies.Found.Count;
    }

    private static SizeRange? RangeOf((int Width, int Height, string Hash)?[] decoded)
    {
        int[] widths = [.. decoded.OfType<(int Width, int Height, string Hash)>().Select(image => image.Width).Order()];
        int[] heights = [.. decoded.OfType<(int Width, int Height, string Hash)>().Select(image => image.Height).Order()];
        return widths.Length == 0 ? null : new SizeRange(
            widths[0], widths[widths.Length / 2], widths[^1], heights[0], heights[heights.Length / 2], heights[^1]);
    }

    private static string NameOf(ImagePart? part) => part is { } known ? PartName.Of(known) : "all";
}
