using Convolve.Layers.Training;

namespace Convolve.Pneumonia.Train;

/// <summary>Who follows a training. The training itself knows no terminal.</summary>
public interface ITrainingObserver
{
    /// <summary>Is told what the user must know: one line.</summary>
    void Note(string text);

    /// <summary>Is told what went wrong without stopping the training: one line.</summary>
    void Warn(string text);

    /// <summary>Runs the epochs, and may show them meanwhile.</summary>
    /// <param name="epochs">Epochs of the whole run.</param>
    /// <param name="finished">Epochs done before.</param>
    /// <param name="fit">Trains, and tells the callbacks of every step and epoch.</param>
    void Follow(int epochs, int finished, Action<IReadOnlyList<TrainingCallback>> fit);
}
