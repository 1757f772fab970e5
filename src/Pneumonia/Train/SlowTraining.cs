using Convolve.Engine;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Models;

namespace Convolve.Pneumonia.Train;

/// <summary>A note for users of a slow device: the smaller defaults, and how long a training takes there.</summary>
internal static class SlowTraining
{
    // ILGPU's CPU accelerator, measured: see docs/performance.md.
    private const double Flops = 0.6e9;

    /// <summary>One line.</summary>
    public static string Warning(TrainingSession session)
    {
        var plan = session.Plan;
        string[] shrunk =
        [
            .. Unasked(nameof(TrainSettings.Pixels), $"{plan.Pixels} pixels"),
            .. Unasked(nameof(TrainSettings.Limit), $"{plan.Limit} images a part"),
            .. Unasked(nameof(TrainSettings.Epochs), $"{plan.Epochs} epoch"),
        ];
        var seconds = Seconds(session.Network, (double)session.Images.Train.Count * plan.Epochs);
        var hours = Seconds(ModelChoice.Build(ModelKind.Cnn, 150, 2), 5000) / 3600;
        return $"{plan.Device}: " + (shrunk.Length > 0 ? $"the defaults shrink to {string.Join(", ", shrunk)}; " : "")
            + $"this training will take about {Math.Max(1, seconds):F0} s, an epoch of the cnn on 5,000 images of 150 pixels about "
            + $"{hours:F0} hours; "
            + DeviceCatalogue.InstallAdvice;

        string[] Unasked(string setting, string shrunkTo) => session.Settings.IsAsked(setting) ? [] : [shrunkTo];
    }

    // A training step costs about three forward passes.
    private static double Seconds(Sequential network, double images) => 3 * network.Summary().Sum(row => row.Flops) * images / Flops;
}
