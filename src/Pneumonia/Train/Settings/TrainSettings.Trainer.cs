using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;

namespace Convolve.Pneumonia.Train;

/// <content>The settings of a network and of its trainer.</content>
public sealed partial record TrainSettings
{
    /// <summary>How the network is built.</summary>
    public NetworkOptions NetworkOptions => new()
    {
        Dropout = (float)Dropout,
        DenseDropout = (float)DenseDropout,
        FlattenDropout = (float)FlattenDropout,
        SamePadding = SamePadding,
        L1 = (float)L1,
        L2 = (float)L2,
        Head = Head ?? NetworkOptions.DefaultHead,
        Until = Until,
        Freeze = Freeze,
        BaseLearningRateFactor = (float?)(BaseLearningRate / LearningRate),
    };

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
