using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Layers.Measurement;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// The layers of a trained network as its report lists them, with their times where measuring them does not hold up a training of a few
/// seconds.
/// </summary>
internal static class LayerTimes
{
    // Shorter trainings are reported without layer times.
    private const double LeastSeconds = 60;
    private const int Batch = 8, Runs = 3;

    /// <summary>The layers and the measurement conditions; null if not measured.</summary>
    public static (ReportedLayer[] Layers, LayerMeasure? Measure) Of(TrainingSession session, double trainingSeconds,
        CancellationToken cancellation)
    {
        var device = session.Device;
        ReportedLayer[] layers =
        [
            .. session.Network.Summary()
                .Select(row => new ReportedLayer(row.Name, row.Kind, row.OutputShape.ToString(), row.Parameters, row.Trainable, row.Flops)),
        ];
        if (trainingSeconds < LeastSeconds || OpenDevice.IsSlow(device.Description)) return (layers, null);
        try
        {
            // Memory of training steps, no longer needed.
            device.Pool.Trim();
            var batch = Math.Min(session.Plan.Batch, Batch);
            var roofline = Roofline.Measure(device);
            var measured = LayerMeasurement.Of(session.Network, batch, roofline, Runs, cancellation);
            return ([.. layers.Select((layer, i) => layer with { Timing = Timing(measured[i]) })],
                new LayerMeasure(batch, roofline.Gigaflops, roofline.GigabytesPerSecond));
        }
        catch (DeviceException)
        {
            // Not enough memory beside the training; the report says how to get the times.
            return (layers, null);
        }

        static LayerTiming Timing(MeasuredLayer layer) =>
            new(layer.Forward.Milliseconds, layer.Forward.ShareOfRoof, layer.Backward.Milliseconds, layer.Backward.ShareOfRoof);
    }
}
