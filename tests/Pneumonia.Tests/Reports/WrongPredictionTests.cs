using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Reports;

[Collection(OnADevice.Name)]
public sealed class WrongPredictionTests
{
    private const int Side = 16, Units = 14;

    /// <summary>
    /// One channel equal to the image, and a score that all positions lower except, in some cases, one. Grad-CAM averages the gradient over
    /// positions, so it is zero everywhere for the class that is predicted because of its bias.
    /// </summary>
    [Theory]
    [InlineData(-1f, null, "no map: shown found no evidence for ILL")]
    [InlineData(-1f, 50f, "HiResCAM, because Grad-CAM is zero everywhere")]
    [InlineData(1f, 1f, "Grad-CAM")]
    public void AMapThatWouldBeBlankIsAnotherOneOrLeftOut(float everywhere, float? somewhere, string caption)
    {
        using var catalogue = new DeviceCatalogue();
        using var device = catalogue.Open(catalogue.Choose("auto").Device);
        using var network = new Sequential(new Shape(Side, Side, 1),
            [new Conv2D(1, 3) { Name = "shown", Activation = ActivationFunction.Relu }, new Flatten(), new Dense(1) { Name = "score" }])
                .Initialize(device, 1);
        Parameter[] parameters = [.. network.Parameters];
        parameters[0].Value.CopyFrom([0, 0, 0, 0, 1, 0, 0, 0, 0]);
        float[] weights = [.. Enumerable.Repeat(everywhere, Units * Units)];
        if (somewhere is { } there) weights[Units * 7 + 7] = there;
        parameters[2].Value.CopyFrom(weights);
        parameters[3].Value.CopyFrom([Units * Units]);
        using var model = new TrainedModel(network, ["WELL", "ILL"], new ImagePreprocessing(Side, 1), LabelScheme.Folders);
        ImageFile[] files = [new("a", "a.png", "WELL", "a", null), new("b", "b.png", "ILL", "b", null)];
        var store = new ImageStore(files, ["WELL", "ILL"], model.Input, (_, pixels) => pixels.Fill(100));
        var predictions = Predictor.Run(network, store, new TrainingOptions { BatchSize = 2, Scaling = model.Input.Scaling });

        var wrong = Assert.Single(WrongPredictions.Of(model, store, predictions));
        Assert.Equal(("a.png", "WELL", "ILL"), (wrong.Name, wrong.Actual, wrong.Prediction.Verdict));
        Assert.StartsWith(caption, wrong.Map!.Caption);
        if (caption.StartsWith("no map", StringComparison.Ordinal))
        {
            Assert.Null(wrong.Map.Png);
            return;
        }
        // The image is uniformly gray, so everything else in the picture is the map.
        var picture = ImageDecoder.Decode(wrong.Map.Png!, "map");
        Assert.True(picture.Pixels.Chunk(3).Distinct(new SameBytes()).Count() > 1 || everywhere > 0, "the map shows nothing");
        Assert.True(picture.Pixels.Chunk(3).Any(rgb => rgb[0] != rgb[1] || rgb[1] != rgb[2]), "the map shows nothing");
    }

    private sealed class SameBytes : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] bytes) => bytes[0];
    }
}
