using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>The input of a trainer: the images of each part, or their features.</summary>
/// <param name="Train">To learn from.</param>
/// <param name="Val">To choose the best epoch and the threshold on.</param>
/// <param name="Test">To report on; null if there are none.</param>
internal sealed record TrainingParts(ISampleSource Train, ISampleSource Val, ISampleSource? Test);

/// <summary>
/// The frozen base's features of the images, computed once and kept on disk; readable until disposed.
/// </summary>
/// <param name="session">The training.</param>
/// <param name="head">The part of the network that is trained on them.</param>
/// <param name="observer">Receives progress.</param>
internal sealed class FeatureSource(TrainingSession session, Sequential head, ITrainingObserver observer) : IDisposable
{
    private readonly FeatureExtraction extraction = new(
        session.Network.Part(0, session.Network.Layers.Count - head.Layers.Count), session.Images.Train.Preprocessing.Scaling,
        session.Plan.Convolution, FeatureFolder.Path);

    private int all, before, told;

    /// <summary>The features of the images of each part, instead of the images.</summary>
    /// <exception cref="UserError">The feature folder cannot be used.</exception>
    public TrainingParts Of(TrainingImages images, CancellationToken cancellation)
    {
        all = images.Train.Count + images.Val.Count + (images.Test?.Count ?? 0);
        var bytes = (long)head.InputShape.Length * sizeof(float) * all;
        observer.Note($"features: {all} images through the base, {bytes >> 20} MiB on disk in {extraction.Folder}");
        try
        {
            var parts = new TrainingParts(Of(images.Train, cancellation), Of(images.Val, cancellation), images.Test is null ? null
                : Of(images.Test, cancellation));
            observer.Note($"features: {extraction.Computed} computed, {extraction.Found} found");
            Clear();
            return parts;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw UserError.From(e, $"features: {extraction.Folder} cannot be used",
                advice: "make room, or set CONVOLVE_CACHE to another folder");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => extraction.Dispose();

    private ISampleSource Of(ImageStore part, CancellationToken cancellation)
    {
        var features = extraction.Of(part, done =>
        {
            if (10 * (before + done) / all <= told) return;
            told = 10 * (before + done) / all;
            if (told < 10 && extraction.Computed > 0) observer.Note($"features: {before + done} of {all}");
        }, cancellation);
        before += part.Count;
        return features;
    }

    // Features of other trainings are not kept forever.
    private void Clear()
    {
        var limit = session.FeatureLimit;
        var bytes = (long)(limit * (1 << 30));
        var cleared = extraction.Clear(bytes);
        var allowed = $"may hold {limit:0.###} GiB ({FeatureFolder.LimitVariable})";
        if (cleared.Files > 0)
            observer.Note($"features: removed {cleared.Files} files not used for longest, {Mebibytes(cleared.Bytes)} MiB: "
                + $"{FeatureFolder.Path} {allowed}");
        if (cleared.KeptBytes > bytes)
            observer.Warn($"features: {FeatureFolder.Path} holds {Mebibytes(cleared.KeptBytes)} MiB, all in use, and {allowed}");
    }

    private static double Mebibytes(long bytes) => Math.Ceiling(bytes / 1048576.0);
}
