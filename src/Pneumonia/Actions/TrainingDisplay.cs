using Convolve.Layers.Training;
using Spectre.Console;

namespace Convolve.Pneumonia.Actions;

/// <summary>
/// Shows a training: a bar with loss, accuracy, speed and time left where there is a terminal, a line per epoch where output goes
/// into a file.
/// </summary>
/// <param name="terminal">Where to show it.</param>
/// <param name="epochs">Epochs of the whole run.</param>
/// <param name="finished">Epochs done before.</param>
public sealed class TrainingDisplay(Terminal terminal, int epochs, int finished) : TrainingCallback
{
    private ProgressTask? bar;

    /// <summary>Runs a training while showing it.</summary>
    public void Show(Action train)
    {
        IAnsiConsole console = terminal.Progress;
        if (!console.Profile.Capabilities.Interactive)
        {
            train();
            return;
        }
        console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .Start(progress =>
            {
                bar = progress.AddTask("starting", maxValue: epochs - finished);
                train();
                bar = null;
            });
    }

    /// <inheritdoc/>
    public override void StepDone(StepProgress progress)
    {
        if (bar is null) return;
        bar.Description = Markup.Escape($"epoch {progress.Epoch}/{epochs}  loss {progress.Loss:F4}  accuracy {progress.Accuracy:F3}  {progress.ImagesPerSecond:F0} images/s");
        bar.Value = progress.Epoch - 1 - finished + (double)progress.Samples / progress.SamplesInEpoch;
    }

    /// <inheritdoc/>
    public override bool EpochDone(EpochResult result)
    {
        terminal.Note($"epoch {result.Epoch}/{epochs}  {result.Seconds:F1} s  loss {result.TrainLoss:F4}  accuracy {result.TrainAccuracy:F3}"
            + (double.IsNaN(result.ValidationLoss) ? "" : $"  validation loss {result.ValidationLoss:F4}  accuracy {result.ValidationAccuracy:F3}"));
        return true;
    }
}
