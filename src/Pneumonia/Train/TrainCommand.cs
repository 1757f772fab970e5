using Convolve.Engine.Tracing;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>The <c>train</c> command: a training with its output, or a learning-rate search.</summary>
internal static class TrainCommand
{
    /// <returns>0.</returns>
    public static Task<int> RunAsync(TrainSettings settings, Terminal terminal, CancellationToken cancellation) =>
        TraceFile.RecordAsync(settings.Trace, "train", terminal, trace => RunAsync(settings, terminal, trace, cancellation));

    private static async Task<int> RunAsync(
        TrainSettings settings, Terminal terminal, ExecutionTrace? trace, CancellationToken cancellation)
    {
        var observer = new TerminalObserver(terminal);
        if (settings.FindLearningRate)
        {
            LearningRateTable.Write(terminal, await LearningRateSearch.RunAsync(settings, observer, cancellation, trace), settings.Json);
            return ExitCode.Done;
        }
        var finished = await Training.RunAsync(settings, observer, cancellation, trace);
        try
        {
            Write(terminal, finished, settings.Json);
        }
        catch (UnwritableOutput e)
        {
            throw UserError.From(e, advice: $"the training is done, and the run in {finished.Folder} complete");
        }
        return ExitCode.Done;
    }

    private static void Write(Terminal terminal, FinishedRun finished, bool json)
    {
        var metrics = finished.Summary.Metrics;
        if (json)
        {
            terminal.WriteJson(metrics);
            return;
        }
        if (metrics.Synthetic) terminal.Results.WriteLine("Trained on synthetic images.");
        ScoreTable.Write(terminal, finished.Summary.Scored);
        terminal.Results.WriteLine(
            $"best epoch {metrics.BestEpoch} of {metrics.Epochs.Count}; report: {Path.Combine(finished.Folder, RunFolder.ReportName)}");
    }
}
