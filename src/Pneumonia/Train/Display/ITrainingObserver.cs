using Convolve.Layers.Training;

namespace Convolve.Pneumonia.Train;

/// <summary>Observes a training, which itself has no access to the terminal.</summary>
public interface ITrainingObserver
{
    /// <summary>Receives a note for the user: one line.</summary>
    void Note(string text);

    /// <summary>Receives a problem that does not stop the training: one line.</summary>
    void Warn(string text);

    /// <summary>Runs the epochs and may show progress.</summary>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="finished">Epochs done before.</param>
    /// <param name="fit">Trains and calls the callbacks for every step and epoch.</param>
    void Follow(int epochs, int finished, Action<IReadOnlyList<TrainingCallback>> fit);
}
