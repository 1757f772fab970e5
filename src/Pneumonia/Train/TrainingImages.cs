using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Train;

/// <summary>The three parts of a run, being decoded or drawn in the background.</summary>
/// <param name="Train">To learn from.</param>
/// <param name="Val">To choose the best epoch and the threshold on.</param>
/// <param name="Test">To report on; null if there are none.</param>
/// <param name="Classes">Names in the order of the model's outputs; of two, the positive one comes second.</param>
/// <param name="SplitKind">How the images were divided, for <c>metrics.json</c>.</param>
/// <param name="Notes">What the user must know about the division.</param>
public sealed record TrainingImages(
    ImageSamples Train, ImageSamples Val, ImageSamples? Test, IReadOnlyList<string> Classes, string SplitKind, IReadOnlyList<string> Notes)
{
    /// <summary>How many images tell their patient; null for synthetic ones.</summary>
    public PatientCount? Patients { get; private init; }

    /// <summary>Images left out of validation and test because their pixels are in an earlier part.</summary>
    public int CopiesAcrossParts { get; private init; }

    /// <summary>Everything that is not used, by kind; waits until every image is decoded or known to be unreadable.</summary>
    public IReadOnlyList<LeftOut> LeftOut => Images.LeftOut.Together([.. NotDecoded, .. Damaged]);

    private IReadOnlyList<LeftOut> NotDecoded { get; init; } = [];

    private IEnumerable<LeftOut> Damaged =>
        from part in Parts
        from index in Enumerable.Range(0, part.Store.Count)
        where !part.Store.IsUsable(index)
        select new LeftOut(LeftOutKind.Damaged, 1, part.Store.Files[index].RelativePath);

    private IEnumerable<ImageSamples> Parts => Test is null ? [Train, Val] : [Train, Val, Test];

    /// <summary>Every usable image and its part.</summary>
    public IEnumerable<(ImagePart Part, ImageFile File)> Files =>
        from part in new[] { (ImagePart.Train, Train), (ImagePart.Val, Val), (ImagePart.Test, Test) }
        where part.Item2 is not null
        from index in part.Item2!.Store.UsableIndices()
        select (part.Item1, part.Item2.Store.Files[index]);

    /// <summary>Images of the training part by class, those of the folder's listing.</summary>
    public int[] TrainCounts => [.. Classes.Select((_, c) => Enumerable.Range(0, Train.Count).Count(i => Train.ClassOf(i) == c))];

    /// <summary>Ends when every image is decoded or known to be unreadable.</summary>
    public Task Completed => Task.WhenAll(Parts.Select(part => part.Store.Completed));

    /// <summary>Sees that the images have not gone away while they are being decoded; waits for none.</summary>
    /// <exception cref="UserError">More files than a few are gone: see <see cref="ImageStore.MostMissing"/>.</exception>
    public void RequirePresent()
    {
        foreach (ImageSamples part in Parts) part.Store.ThrowIfFailed();
    }

    /// <summary>One line for each unreadable image.</summary>
    public IReadOnlyList<string> Warnings => [.. Parts.SelectMany(part => part.Store.Warnings)];

    /// <summary>What was taken for granted to decode the images, one line for each kind in each part.</summary>
    public IReadOnlyList<string> Remarks => [.. Parts.SelectMany(part => part.Store.Remarks).Distinct()];

    /// <summary>The counts of usable images.</summary>
    public SplitCounts Counts => new(SplitKind, Usable(Train), Usable(Val), Test is null ? 0 : Usable(Test));

    /// <summary>
    /// Sees that every part, and every class to learn from, has an image that can be read. Only as many images are waited for as it takes
    /// to know, mostly one of each.
    /// </summary>
    /// <exception cref="UserError">One has none.</exception>
    public void RequireReadable()
    {
        for (int c = 0; c < Classes.Count; c++) Require(Train, "train", $" of class {Classes[c]}", i => Train.ClassOf(i) == c);
        Require(Val, "val", "", _ => true);
        if (Test is not null) Require(Test, "test", "", _ => true);

        static void Require(ImageSamples part, string name, string ofClass, Func<int, bool> counts)
        {
            int[] indices = [.. Enumerable.Range(0, part.Count).Where(counts)];
            if (indices.Any(part.IsUsable)) return;
            string first = part.Store.Warnings is [var warning, ..] ? $"; the first: {warning}" : "";
            throw new UserError($"{name}: not one of the {indices.Length} images{ofClass} can be read, repair or replace them{first}");
        }
    }

    /// <summary>Looks at a data folder and divides its images, without decoding any yet.</summary>
    /// <exception cref="UserError">The folder cannot be trained on.</exception>
    public static (ImageFolder Folder, ImageSplit Split) Divide(TrainSettings settings, CancellationToken cancellation)
    {
        ImageFolder folder = ImageFolder.Open(settings.Data!, settings.Labels, settings.Patient);
        return (folder, ImageSplit.Of(folder, settings.SplitSettings, cancellation));
    }

    /// <summary>
    /// Starts to decode divided images: first those for training, in the order in which the first epoch reads them, then those that are not
    /// needed before its end.
    /// </summary>
    /// <param name="folder">The data.</param>
    /// <param name="split">Its division.</param>
    /// <param name="plan">Size and order.</param>
    /// <param name="channels">Channels of the network's images: 1 for gray, to which colours are converted, or 3.</param>
    /// <param name="cancellation">Stops the decoding.</param>
    public static TrainingImages Decode(ImageFolder folder, ImageSplit split, TrainSettings plan, int channels, CancellationToken cancellation)
    {
        IReadOnlyList<string> classes = PositiveClass.Second(folder.Classes, plan.Positive);
        ImageSamples train = Start(split.Train, EpochOrder.Shuffled(split.Train.Count, (uint)plan.Seed, 1), null);
        ImageSamples val = Start(split.Val, null, train.Store.Completed);
        ImageSamples? test = split.Test.Count == 0 ? null : Start(split.Test, null, val.Store.Completed);
        return new TrainingImages(train, val, test, classes, split.Kind.ToString().ToLowerInvariant(), [.. folder.Notes, .. split.Notes])
        {
            Patients = split.Patients,
            CopiesAcrossParts = split.CopiesAcrossParts,
            NotDecoded = [.. folder.LeftOut, .. split.LeftOut],
        };

        ImageSamples Start(IReadOnlyList<ImageFile> files, int[]? order, Task? after) =>
            new(ImageStore.Decode(files, classes, plan.Pixels, plan.Resize, channels, plan.Preprocessing, order, after: after, cancellation: cancellation), classes);
    }

    /// <summary>Starts to draw synthetic images.</summary>
    public static TrainingImages Draw(TrainSettings plan, int channels, CancellationToken cancellation)
    {
        var (train, val, test) = plan.DrawnCounts;
        return new TrainingImages(Start(ImagePart.Train, train), Start(ImagePart.Val, val), Start(ImagePart.Test, test),
            SyntheticXrays.Classes, "synthetic",
            ["synthetic images: drawn by the program, they show that a network learns, and nothing about medicine; give --data DIR for real ones"]);

        ImageSamples Start(ImagePart part, int count) =>
            new(SyntheticXrays.Store(plan.Seed, part, count, plan.Pixels, channels, plan.Preprocessing,
                order: part == ImagePart.Train ? EpochOrder.Shuffled(count, (uint)plan.Seed, 1) : null, cancellation: cancellation), SyntheticXrays.Classes);
    }

    private static int Usable(ImageSamples samples) => samples.Store.UsableIndices().Length;
}
