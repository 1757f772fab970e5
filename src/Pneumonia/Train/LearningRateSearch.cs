using Convolve.Engine.Devices;
using Convolve.Engine.Tracing;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>Tries growing learning rates instead of training; writes no files.</summary>
public static class LearningRateSearch
{
    /// <returns>The loss at each rate.</returns>
    /// <exception cref="UserError">A setting cannot be satisfied.</exception>
    public static async Task<IReadOnlyList<SweptRate>> RunAsync(
        TrainSettings settings, ITrainingObserver observer, CancellationToken cancellation, ExecutionTrace? trace = null)
    {
        using var session = TrainingSession.Open(settings, run: null, cancellation, trace);
        try
        {
            session.InitializeNetwork();
            session.Announce(observer, withMemory: false);
            using var optimizer = session.Plan.CreateOptimizer();
            var rates = LearningRateSweep.Run(
                session.Network, optimizer, session.Options, session.Images.Train, LearningRateTable.Steps, cancellation);
            await session.Images.Completed;
            foreach (var note in session.Images.Remarks) observer.Note(note);
            foreach (var warning in session.Images.Warnings) observer.Warn(warning);
            return rates;
        }
        catch (DeviceException e)
        {
            throw session.Explain(e);
        }
    }
}
