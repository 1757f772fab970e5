namespace Convolve.Pneumonia.Train;

/// <summary>Defaults that depend on the model, the images and the device.</summary>
public static class TrainingDefaults
{
    internal const int SlowPixels = 64, SlowLimit = 64;

    // Few images need small batches: six hundred in batches of a hundred would be six steps per epoch.
    internal const int SyntheticPixels = 96, SyntheticEpochs = 8, SyntheticBatch = 20;
    internal const double SyntheticLearningRate = 3e-4;

    // The compact network normalizes, so it tolerates a large learning rate; decay keeps its weights from growing.
    internal const int CompactBatch = 50, CompactEpochs = 24;
    internal const double CompactLearningRate = 1e-3, CompactWeightDecay = 0.05;

    internal const double SgdLearningRate = 0.01;

    /// <summary>Images of each part when they are generated and no limit is given: training, validation, test.</summary>
    public static (int Train, int Val, int Test) SyntheticCounts => (640, 160, 160);
}
