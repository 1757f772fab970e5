using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Experiments;

/// <summary>
/// The reference experiments: the Keras notebooks of renjmindy's COVID19-XRayPneumoniaImageClassifier (2020), trained on a CPU.
/// Images are resized to the nearest pixel, Keras' default, and scaled to 0 … 1.
/// </summary>
public static class ReferenceRows
{
    // The notebooks augmented each image once and trained on that copy in every epoch.
    private const string FreshAugmentation = "augmentation drawn anew in every epoch, in the notebook once";

    private static TrainSettings Mlp { get; } = new()
    {
        Model = ModelKind.Mlp,
        Pixels = 150,
        Resize = ResizeMethod.Nearest,
        Preprocessing = Preprocessing.Rescale,
        Epochs = 40,
        Batch = 100,
        Optimizer = OptimizerKind.Sgd,
        LearningRate = 0.01,
    };

    private static TrainSettings Cnn { get; } = Mlp with { Model = ModelKind.Cnn, Optimizer = OptimizerKind.RmsProp, LearningRate = 1e-4 };

    private static TrainSettings SlowCnn { get; } = Cnn with { LearningRate = 2e-5 };

    private static TrainSettings LargeCnn { get; } = SlowCnn with { Pixels = 210 };

    private static TrainSettings AugmentedCnn { get; } = Cnn
        with
    { Epochs = 100, Augment = true, PartLimits = new PartLimits(Train: 1000, Test: 100) };

    private static TrainSettings Vgg19 { get; } = Cnn with { Model = ModelKind.Vgg19, Weights = StartingWeights.ImageNet };

    private static TrainSettings FrozenVgg19 { get; } =
        Vgg19 with { Batch = 25, LearningRate = 2e-5, Head = 132, Augment = true, PartLimits = new PartLimits(1000, 400, 400) };

    /// <summary>The ids of all rows, in words.</summary>
    public static string Ids => string.Join(", ", All.Select(row => row.Id));

    /// <summary>All rows: first the ten published ones and the runs that belong to them, then the further ones.</summary>
    public static IReadOnlyList<ReferenceRow> All { get; } =
    [
        new("mlp", "dense 20, 7, 5", Mlp, new(0.1858, 0.9470), new(null, 0.9521), 0.17),
        new("cnn", "four convolutions", Cnn, new(0.1335, 0.9641), new(0.0939, 0.9744), 5.3),
        new("cnn-augment", "cnn, augmentation, 1000 training images", AugmentedCnn, new(0.7139, 0.7500), new(0.5004, 0.8753), 3.1)
        {
            Remark = FreshAugmentation,
        },
        new("cnn-augment-slow", "the same at a fifth of the learning rate", AugmentedCnn with { LearningRate = 2e-5 },
            new(0.7139, 0.7500), new(null, 0.9468), 2.7)
        {
            Remark = "the published figures are of another model, evaluated by mistake; " + FreshAugmentation,
        },
        new("cnn-dropout", "cnn at 210 px, dropout 0.05 after every pooling", LargeCnn with { Dropout = 0.05 }, new(0.1137, 0.9641),
            new(0.1104, 0.9744), 10.2),
        new("cnn-early-stopping", "cnn at 210 px, stopped after 10 epochs without a lower validation loss",
            LargeCnn with { Epochs = 100, EarlyStopping = 10 }, new(0.0801, 0.9744), null, 16.9)
        {
            Remark = "the notebook stopped at 64 epochs",
        },
        new("cnn-l1", "cnn at 210 px, L1 5e-7 on convolution kernels", LargeCnn with { L1 = 5e-7 }, new(0.0879, 0.9726),
            new(0.0768, 0.9744), 10.3),
        new("cnn-l2", "cnn at 210 px, L2 5e-7 on convolution kernels", LargeCnn with { L2 = 5e-7 }, new(0.0780, 0.9726),
            new(0.0833, 0.9709), 10.4),
        new("vgg19-features", "head of 256 on vgg19's features, computed once",
            Vgg19 with { Epochs = 100, Batch = 5, Head = 256, Features = true }, new(0.6018, 0.9429), new(0.2553, 0.9690), 1.3),
        new("vgg19-frozen", "head of 132 on a frozen vgg19, augmentation, 1000 training images", FrozenVgg19,
            new(0.2306, 0.9200), new(0.1519, 0.9375), 15.0)
        {
            Remark = FreshAugmentation,
        },
        new("vgg19-fine-tuned", "head of 16 and the last convolution of vgg19, augmentation, 1000 training images",
            FrozenVgg19 with { Head = 16 },
            new(null, null), new(0.1670, 0.9375), 13.5)
        {
            TrainsLastConvolution = true,
            Remark = FreshAugmentation,
        },
        new("cnn-slow", "cnn at a fifth of the learning rate", SlowCnn, new(0.1050, 0.9624), new(0.0746, 0.9744), 5.3),
        new("cnn-210", "cnn at 210 px and a fifth of the learning rate", LargeCnn, new(0.0798, 0.9726), new(0.0809, 0.9709), 10),
        new("cnn-balanced", "cnn at 210 px, as many images of each class, L1 1e-6, L2 1e-3, dropout 0.2 after the dense layer",
            LargeCnn with
            {
                Epochs = 200,
                Batch = 250,
                // Keras' default for Adam.
                Optimizer = OptimizerKind.Adam,
                LearningRate = 1e-3,
                L1 = 1e-6,
                L2 = 1e-3,
                DenseDropout = 0.2,
                EarlyStopping = 10,
                BalancedImages = true,
                PartLimits = new PartLimits(2438, 364, 274),
            },
            new(0.3888, 0.9051), null, 12.5)
        {
            Remark = "the notebook stopped at 37 epochs; here after 10 without a lower validation loss; its loss includes the penalties, "
                + "ours does not",
        },
        new("three-class", "BACTERIAL, NORMAL, VIRAL: same-padded convolutions, dropout 0.25 around the dense layer",
            Cnn with { Epochs = 30, SamePadding = true, FlattenDropout = 0.25, DenseDropout = 0.25, Labels = LabelScheme.Three },
                new(0.5120, 0.811)),
    ];
}
