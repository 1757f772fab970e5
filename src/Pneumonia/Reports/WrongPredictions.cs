using Convolve.Engine.Tensors;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Reports;

/// <summary>The images with incorrect predictions, at the network's own threshold if it has one, with maps that show their cause.</summary>
public static class WrongPredictions
{
    private const int Shown = 8;

    /// <summary>The most confident ones, worst first.</summary>
    /// <param name="model">The network and what its outputs mean.</param>
    /// <param name="store">The images.</param>
    /// <param name="predictions">Its predictions for them, in the order of <see cref="TrainedModel.ScoredClasses"/>.</param>
    public static IReadOnlyList<WrongPrediction> Of(TrainedModel model, ImageStore store, Predictions predictions)
    {
        var classes = model.ScoredClasses;
        return
        [
            .. predictions.Probabilities
                .Select((p, place) => (Prediction: ImagePrediction.Of(classes, p, model.Threshold),
                    Actual: classes[predictions.TrueClasses[place]], Index: predictions.Indices[place]))
                .Where(found => found.Prediction.Verdict != found.Actual)
                .OrderByDescending(found => Confidence(found.Prediction))
                .Take(Shown)
                .Select(found => new WrongPrediction(store.Files[found.Index].RelativePath, found.Actual, found.Prediction,
                    store.Preprocessing.Pixels, store.Preprocessing.Channels, store[found.Index].ToArray())
                {
                    Map = MapOf(model, store[found.Index], found.Prediction.Verdict),
                }),
        ];
    }

    // Distance of the probability from the threshold, as a fraction of the largest possible one.
    private static double Confidence(ImagePrediction prediction)
    {
        if (prediction.PositiveProbability is not { } p) return prediction.Probability;
        var threshold = prediction.Threshold ?? 0.5;
        return p >= threshold ? threshold < 1 ? (p - threshold) / (1 - threshold) : 1 : (threshold - p) / threshold;
    }

    // Null if no layer's output is an image.
    private static PredictionMap? MapOf(TrainedModel model, ReadOnlySpan<byte> image, string verdict)
    {
        if (GradCam.DefaultLayer(model.Network) is not { } layer || layer + 1 == model.Network.Layers.Count) return null;
        using var input = NetworkInput.Of(model.Network, image, model.Input.Scaling);
        var evidence = LayerEvidence.Of("report", model.Network, input, model.OutputOf(verdict), layer);
        var gradCam = GradCam.Of(evidence);
        if (gradCam.Largest > 0) return new PredictionMap("Grad-CAM", GradCam.Draw(image, gradCam));
        // Channels that lower the class's score overall may still raise it somewhere.
        var hiResCam = HiResCam.Of(evidence);
        return hiResCam.Largest > 0
            ? new PredictionMap("HiResCAM, because Grad-CAM is zero everywhere", GradCam.Draw(image, hiResCam))
            : new PredictionMap(
                $"no map: {model.Network.Layers[layer].Name} found no evidence for {verdict}, only less evidence against it", null);
    }
}
