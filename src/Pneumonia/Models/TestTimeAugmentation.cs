using Convolve.Engine.Operations.Augmentation;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>Predicts several copies of each image, unchanged and then randomly flipped and moved a little, and averages the
/// probabilities.</summary>
public static class TestTimeAugmentation
{
    /// <summary>Largest number of copies of an image.</summary>
    public const int MostCopies = 1000;

    // Much smaller than training's augmentation, so that a copy is still a plausible X-ray.
    private static readonly AugmentationRanges ranges = new()
    {
        Rotation = 5,
        WidthShift = 0.03,
        HeightShift = 0.03,
        Shear = 0,
        ZoomLow = 0.95,
        ZoomHigh = 1.05,
    };

    /// <summary>The predictions, each the mean over the copies; prints a note if there are several. Of two classes, the positive one is
    /// second.</summary>
    /// <param name="model">The network and its preprocessing.</param>
    /// <param name="samples">The images.</param>
    /// <param name="copies">Copies of each, the image itself included.</param>
    /// <param name="batchSize">Images at once.</param>
    /// <param name="seed">Seed of the changes.</param>
    /// <param name="terminal">Where to say it.</param>
    /// <param name="cancellation">Stops it between two batches.</param>
    /// <exception cref="UserError">The network's predictions are NaN.</exception>
    public static Predictions Run(
        TrainedModel model, ImageStore samples, int copies, int batchSize, int seed, Terminal terminal, CancellationToken cancellation)
    {
        if (copies > 1)
            terminal.Note($"mean of {copies} copies of each image: as it is, then with {ranges}; a run's threshold was chosen "
                + "without them");
        var options = new TrainingOptions
        {
            BatchSize = batchSize,
            Scaling = model.Input.Scaling,
            Seed = (uint)seed,
            Augmentation = ranges
        };
        try
        {
            return model.Scored(Predictor.RunOnCopies(model.Network, samples, options, copies, cancellation));
        }
        catch (DivergedException e)
        {
            throw UserError.From(e, advice: "train it again, or take another one");
        }
    }
}
