using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Train;

/// <content>The settings of a trainer.</content>
public sealed partial record TrainSettings
{
    /// <summary>The optimizer.</summary>
    public Optimizer CreateOptimizer() => Optimizer switch
    {
        OptimizerKind.Sgd => new Sgd { LearningRate = (float)LearningRate, WeightDecay = (float)WeightDecay },
        OptimizerKind.Adam => new Adam { LearningRate = (float)LearningRate, WeightDecay = (float)WeightDecay },
        _ => new RmsProp { LearningRate = (float)LearningRate, WeightDecay = (float)WeightDecay },
    };

    /// <summary>How steps run.</summary>
    /// <param name="input">How an image becomes the network's input.</param>
    /// <param name="trainCounts">Training images of each class, for class weights.</param>
    public TrainingOptions OptionsFor(ImagePreprocessing input, int[] trainCounts) => new()
    {
        Epochs = Epochs,
        BatchSize = Batch,
        Seed = (uint)Seed,
        ClassWeights = ClassWeights == ClassWeights.None ? null
            : [.. trainCounts.Select(n => n == 0 ? 0 : (float)trainCounts.Sum() / (trainCounts.Length * n))],
        Schedule = Schedule,
        Algorithm = Convolution,
        Scaling = Features ? null : input.Scaling,
        Augmentation = Augment ? AugmentationRanges : null,
        AugmentOnce = AugmentOnce,
    };
}
