using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>Observes a training on a terminal.</summary>
/// <param name="terminal">Where to show it.</param>
public sealed class TerminalObserver(Terminal terminal) : ITrainingObserver
{
    /// <inheritdoc/>
    public void Note(string text) => terminal.Note(text);

    /// <inheritdoc/>
    public void Warn(string text) => terminal.Warn(text);

    /// <inheritdoc/>
    public void Follow(int epochs, int finished, Action<IReadOnlyList<TrainingCallback>> fit)
    {
        var display = new TrainingDisplay(terminal, epochs, finished);
        display.Show(() => fit([display]));
    }
}
