using Convolve.Engine.Tracing;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>The images of a run and the pixels of its three parts, which are decoded or drawn in the background.</summary>
/// <param name="Set">The images; their classes are in the order of the model's outputs, of two the positive one comes second.</param>
/// <param name="Train">To train on.</param>
/// <param name="Val">To choose the best epoch and the threshold on.</param>
/// <param name="Test">To report on; null if there are none.</param>
public sealed record TrainingImages(ImageSet Set, ImageStore Train, ImageStore Val, ImageStore? Test)
{
    /// <summary>All unused files, by kind; waits until every image is decoded or known to be unreadable.</summary>
    public IReadOnlyList<LeftOut> LeftOut => Images.LeftOut.Together([.. Set.LeftOut, .. Damaged]);

    private IEnumerable<LeftOut> Damaged =>
        from part in Parts
        from index in Enumerable.Range(0, part.Count)
        where !part.IsUsable(index)
        select new LeftOut(LeftOutKind.Damaged, 1, part.Files[index].RelativePath);

    private IEnumerable<ImageStore> Parts => Test is null ? [Train, Val] : [Train, Val, Test];

    /// <summary>Every usable image and its part.</summary>
    public IEnumerable<(ImagePart Part, ImageFile File)> Files =>
        from part in Parts
        from index in part.UsableIndices()
        select (part.Files[index].Part!.Value, part.Files[index]);

    /// <summary>Images of the training part by class, unreadable ones included.</summary>
    public int[] TrainCounts => [.. Set.Classes.Select((_, c) => Enumerable.Range(0, Train.Count).Count(i => Train.ClassOf(i) == c))];

    /// <summary>Completes when every image is decoded or known to be unreadable.</summary>
    public Task Completed => Task.WhenAll(Parts.Select(part => part.Completed));

    /// <summary>Checks that the images have not gone away while they are being decoded; waits for none.</summary>
    /// <exception cref="UserError">Too many files are missing: see <see cref="ImageStore.MostMissing"/>.</exception>
    public void RequirePresent()
    {
        foreach (var part in Parts) part.ThrowIfFailed();
    }

    /// <summary>One line for each unreadable image.</summary>
    public IReadOnlyList<string> Warnings => [.. Parts.SelectMany(part => part.Warnings)];

    /// <summary>What was assumed to decode the images, one line for each kind in each part.</summary>
    public IReadOnlyList<string> Remarks => [.. Parts.SelectMany(part => part.Remarks).Distinct()];

    /// <summary>The counts of usable images.</summary>
    public SplitCounts Counts =>
        new(Set.Split!, Train.UsableIndices().Length, Val.UsableIndices().Length, Test?.UsableIndices().Length ?? 0);

    /// <summary>
    /// Checks that every part, and every class of the training part, has an image that can be read. Only as many images are waited for as
    /// it takes to know, mostly one of each.
    /// </summary>
    /// <exception cref="UserError">One has none.</exception>
    public void RequireReadable()
    {
        for (var c = 0; c < Set.Classes.Count; c++) Require(Train, "train", $" of class {Set.Classes[c]}", i => Train.ClassOf(i) == c);
        Require(Val, "val", "", _ => true);
        if (Test is not null) Require(Test, "test", "", _ => true);

        static void Require(ImageStore part, string name, string ofClass, Func<int, bool> counts)
        {
            int[] indices = [.. Enumerable.Range(0, part.Count).Where(counts)];
            if (indices.Any(part.IsUsable)) return;
            var first = part.Warnings is [var warning, ..] ? $"; the first: {warning}" : "";
            throw new UserError($"{name}: not one of the {indices.Length} images{ofClass} can be read, repair or replace them{first}");
        }
    }

    /// <summary>Reads a data folder and splits its images, without decoding any.</summary>
    /// <exception cref="UserError">The folder cannot be trained on.</exception>
    public static ImageSet Divide(TrainSettings settings, CancellationToken cancellation) =>
        ImageSplit.Of(ImageFolder.Open(settings.Data!, settings.Labels, settings.Patient), settings.SplitSettings, cancellation);

    /// <summary>
    /// Starts to decode divided images, or to draw synthetic ones: first those for training, in the order in which the first epoch reads
    /// them, then those that are not needed before its end.
    /// </summary>
    /// <param name="set">The images, divided, with their classes in the order of the model's outputs.</param>
    /// <param name="plan">The order, and whether the images are synthetic.</param>
    /// <param name="input">How an image becomes the network's input.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="trace">Records when which thread makes images; null for nothing.</param>
    public static TrainingImages Of(
        ImageSet set, TrainSettings plan, ImagePreprocessing input, CancellationToken cancellation, ExecutionTrace? trace = null)
    {
        ImageStore train = Start(ImagePart.Train, null), val = Start(ImagePart.Val, train.Completed);
        return new TrainingImages(set, train, val, set.Test.Count == 0 ? null : Start(ImagePart.Test, val.Completed));

        ImageStore Start(ImagePart part, Task? after)
        {
            var files = set.In(part);
            var order = part == ImagePart.Train ? EpochOrder.Shuffled(files.Count, (uint)plan.Seed, 1) : null;
            return plan.Synthetic
                ? SyntheticXrays.Store(plan.Seed, part, files.Count, input, set.Classes, order, cancellation, trace)
                : ImageStore.Decode(files, set.Classes, input, order, after, cancellation, trace: trace);
        }
    }
}
