using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Training;

/// <summary>Predictions for several copies of an image.</summary>
[Collection(OnOpenCl.Name)]
public sealed class PredictorTests(OpenClDevice opened) : DeviceTests(opened)
{
    private const int Side = 12;

    private static readonly AugmentationRanges ranges = new() { Rotation = 10, WidthShift = 0.1, HeightShift = 0.1 };
    private static readonly TrainingOptions options = new() { BatchSize = 4, Seed = 9, Augmentation = ranges };

    private Sequential Network(int classes) => new Sequential(new Shape(Side, Side, 1),
    [
        new Conv2D(2, 3) { Name = "conv", Activation = ActivationFunction.Relu },
        new MaxPooling2D { Name = "pool" },
        new Flatten { Name = "flatten" },
        new Dense(classes == 2 ? 1 : classes) { Name = "logits" },
    ]).Initialize(Device, 3);

    [SkippableTheory]
    [InlineData(2, 1)]
    [InlineData(2, 4)]
    [InlineData(3, 3)]
    public void TheAnswerIsTheMeanOverTheImageAndItsCopies(int classes, int copies)
    {
        using var network = Network(classes);
        var samples = new PatternSamples(7, Side, 2);
        var predictions = Predictor.RunOnCopies(network, samples, options, copies);
        Assert.Equal([0, 1, 3, 4, 5, 6], predictions.Indices);
        var geometry = AugmentationGeometry.Create(new Shape(1, Side, Side, 1));
        var pixels = new byte[samples.SampleLength];
        double loss = 0;
        for (var i = 0; i < predictions.Indices.Length; i++)
        {
            samples.CopyPixels(predictions.Indices[i], pixels);
            var mean = new double[classes];
            for (var copy = 0; copy < copies; copy++)
            {
                var map = copy == 0 ? AffineMap.Identity : ranges.Draw(options.Seed, copy, 0, Side, Side);
                var image = AugmentationReference.Apply(geometry, pixels, [map], PixelScaling.Rescale);
                using var input = Tensor.FromValues(Device, new Shape(1, Side, Side, 1), [.. image.Select(value => (float)value)]);
                using var output = network.Predict(input);
                var probabilities = Classification.Probabilities(output.ToArray());
                for (var c = 0; c < classes; c++) mean[c] += probabilities[c] / copies;
            }
            new Tolerance(1e-5, 1e-5).Check($"sample {i}", mean, [.. predictions.Probabilities[i].Select(value => (float)value)]);
            loss -= Math.Log(mean[predictions.TrueClasses[i]]) / predictions.Indices.Length;
        }
        Assert.Equal(loss, predictions.Loss, 1e-5);
    }

    [SkippableFact]
    public void OneCopyIsTheImageItself()
    {
        using var network = Network(2);
        var samples = new PatternSamples(9, Side);
        var (plain, one) = (Predictor.Run(network, samples, options), Predictor.RunOnCopies(network, samples, options, 1));
        Assert.Equal(plain.Probabilities, one.Probabilities);
        Assert.Equal(plain.Loss, one.Loss, 1e-12);
        Assert.NotEqual(plain.Probabilities, Predictor.RunOnCopies(network, samples, options, 2).Probabilities);
    }

    [SkippableFact]
    public void SeedsDifferAndRepeat()
    {
        using var network = Network(2);
        double[][] Answers(uint seed) =>
            Predictor.RunOnCopies(network, new PatternSamples(5, Side), options with { Seed = seed }, 3).Probabilities;
        Assert.Equal(Answers(1), Answers(1));
        Assert.NotEqual(Answers(1), Answers(2));
    }

    [SkippableFact]
    public void NoCopiesAndCopiesWithoutRangesAreRefused()
    {
        using var network = Network(2);
        Assert.Throws<ArgumentOutOfRangeException>(() => Predictor.RunOnCopies(network, new PatternSamples(3, Side), options, 0));
        Assert.Throws<ArgumentException>(() =>
            Predictor.RunOnCopies(network, new PatternSamples(3, Side), options with { Augmentation = null }, 2));
    }
}
