using Convolve.Engine.Operations.Augmentation;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Evaluate;

/// <summary>Asks about each image several times: as it is, then mirrored or not and moved a little, and takes the mean of the probabilities.</summary>
public static class TestTimeAugmentation
{
    /// <summary>Copies of an image that may be asked for.</summary>
    public const int MostCopies = 1000;

    // Well inside what training changes, so that a copy is still an X-ray as someone might have taken it.
    private static readonly AugmentationRanges ranges = new()
    {
        Rotation = 5,
        WidthShift = 0.03,
        HeightShift = 0.03,
        Shear = 0,
        ZoomLow = 0.95,
        ZoomHigh = 1.05,
    };

    /// <summary>The predictions, each the mean over so many copies; says so if there are several. Of two classes the positive one comes second.</summary>
    /// <param name="model">The network and what its images go through.</param>
    /// <param name="samples">The images.</param>
    /// <param name="copies">Copies of each, the image itself included.</param>
    /// <param name="batchSize">Images at once.</param>
    /// <param name="seed">Draws how the copies differ.</param>
    /// <param name="terminal">Where to say it.</param>
    /// <param name="cancellation">Stops it between two batches.</param>
    /// <exception cref="UserError">The network's answers are no numbers.</exception>
    public static Predictions Run(
        TrainedModel model, ImageStore samples, int copies, int batchSize, int seed, Terminal terminal, CancellationToken cancellation)
    {
        if (copies > 1) terminal.Note($"mean of {copies} copies of each image: as it is, then with {ranges}; a run's threshold was chosen without them");
        var options = new TrainingOptions { BatchSize = batchSize, Scaling = model.Input.Scaling, Seed = (uint)seed, Augmentation = ranges };
        try
        {
            return model.Scored(Predictor.RunOnCopies(model.Network, samples, options, copies, cancellation));
        }
        catch (DivergedException e)
        {
            throw new UserError($"{e.Message}; train it again, or take another one", e);
        }
    }
}
