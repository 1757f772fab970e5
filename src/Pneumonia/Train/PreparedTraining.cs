using Convolve.Engine.Devices;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>A training prepared up to the point where it needs its device: settings, images and weights are checked.</summary>
/// <param name="Plan">The run with all defaults.</param>
/// <param name="Network">The unallocated network, its base frozen as planned.</param>
/// <param name="BaseLength">Layers of its base; 0 if it has none.</param>
/// <param name="Weights">The starting weights; null for random ones.</param>
/// <param name="Images">The images, divided; their classes are in the order of the network's outputs.</param>
public sealed record PreparedTraining(
    TrainSettings Plan, Sequential Network, int BaseLength, StartingWeights? Weights, ImageSet Images) : IDisposable
{
    /// <summary>Prepares a training.</summary>
    /// <param name="settings">What was asked for.</param>
    /// <param name="divided">The images of the settings; null for synthetic ones.</param>
    /// <param name="device">The device, which may have other defaults.</param>
    /// <param name="cancellation">Stops the search for identical images.</param>
    /// <exception cref="UserError">The images are too small for the network, or the weights do not fit it.</exception>
    public static PreparedTraining For(
        TrainSettings settings, ImageSet? divided, DeviceDescription device, CancellationToken cancellation)
    {
        var plan = settings.On(device);
        if (divided is { } && plan.Limit != settings.Limit)
            divided = TrainingImages.Divide(settings with { Limit = plan.Limit }, cancellation);
        var images = divided ?? SyntheticXrays.Set(plan.DrawnCounts);
        var classes = PositiveClass.Second(images.Classes, settings.Positive);
        plan = plan with { Images = divided?.Fingerprint, Positive = PositiveClass.Of(classes, settings.Positive)?.Name };
        var network = ModelChoice.Build(plan.Model, plan.Pixels, classes.Count, settings.NetworkOptions);
        var baseLength = ModelChoice.BaseLength(plan.Model, network);
        var weights = StartingWeights.Read(settings, network, baseLength, classes, usual: plan.Preprocessing);
        plan = plan with { Weights = weights?.Fingerprint, Preprocessing = weights?.Preprocessing ?? plan.Preprocessing };
        ModelChoice.Freeze(network, baseLength, plan.NetworkOptions);
        return new PreparedTraining(plan, network, baseLength, weights, images with { Classes = classes });
    }

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();
}
