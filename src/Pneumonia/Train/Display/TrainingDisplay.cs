using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// Shows a training: on a terminal, a bar with loss, accuracy, speed and time left; in a file, one line
/// per epoch.
/// </summary>
/// <param name="terminal">Where to show it.</param>
/// <param name="epochs">Epochs of the whole run.</param>
/// <param name="finished">Epochs done before.</param>
public sealed class TrainingDisplay(Terminal terminal, int epochs, int finished) : TrainingCallback
{
    // Terminal widths below which the speed, and then the bar itself, are omitted, so that the line never wraps.
    private const int RoomForSpeed = 100, RoomForBar = 72;
    // Width beside the bar: numbers, percentage, time left and gaps.
    private const int BesideBar = 58, SpeedWidth = 18, LongestBar = 40;

    // Fraction of an epoch's time above which the user is told that images were the bottleneck.
    private const double WaitWorthSaying = 0.02;

    private readonly IAnsiConsole console = terminal.Progress;
    private ProgressTask? bar;

    /// <summary>Runs a training while showing it.</summary>
    public void Show(Action train)
    {
        if (!console.Profile.Capabilities.Interactive || !console.Profile.Capabilities.Ansi)
        {
            train();
            return;
        }
        console.Progress()
            .AutoClear(true)
            .Columns([.. Columns(console.Profile.Width)])
            .Start(progress =>
            {
                bar = progress.AddTask("starting", maxValue: epochs - finished);
                try { train(); }
                finally { bar = null; }
            });
    }

    /// <inheritdoc/>
    public override void StepDone(StepProgress progress)
    {
        if (bar is null) return;
        var speed = console.Profile.Width >= RoomForSpeed ? $"  {progress.ImagesPerSecond:F0} images/s" : "";
        bar.Description =
            Markup.Escape($"epoch {progress.Epoch}/{epochs}  loss {progress.Loss:F4}  accuracy {progress.Accuracy:F3}{speed}");
        bar.Value = progress.Epoch - 1 - finished + (double)progress.Samples / progress.SamplesInEpoch;
    }

    /// <inheritdoc/>
    public override bool EpochDone(EpochResult result)
    {
        var line = $"epoch {result.Epoch}/{epochs}  {result.Seconds:F1} s  loss {result.TrainLoss:F4}  accuracy {result.TrainAccuracy:F3}"
            + (double.IsNaN(result.ValidationLoss) ? ""
                : $"  validation loss {result.ValidationLoss:F4}  accuracy {result.ValidationAccuracy:F3}")
            + (result.InputWaitSeconds > WaitWorthSaying * result.Seconds ? $"  waited {result.InputWaitSeconds:F1} s for images" : "");
        // A line written past the bar's console would be overwritten by the next update of the bar.
        if (bar is null) terminal.Note(line);
        else console.Write(new LineAboveBar(line));
        return true;
    }

    private static IEnumerable<ProgressColumn> Columns(int width)
    {
        yield return new TaskDescriptionColumn { Alignment = Justify.Left };
        if (width >= RoomForBar)
            yield return new ProgressBarColumn
            {
                Width = Math.Min(LongestBar, width - BesideBar - (width >= RoomForSpeed ? SpeedWidth : 0))
            };
        yield return new PercentageColumn();
        yield return new RemainingTimeColumn();
    }

    /// <summary>Replaces the bar with a line; the bar is redrawn below.</summary>
    private sealed class LineAboveBar(string text) : Renderable
    {
        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            [Segment.Control("\u001b[J"), new Segment(text), Segment.LineBreak];
    }
}
