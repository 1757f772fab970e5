using System.Text.Json.Serialization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>A network of the reference experiments, or the project's own.</summary>
public enum ModelKind
{
    Mlp,
    Cnn,
    Vgg19,

    /// <summary>The project's own: small, on gray images.</summary>
    Compact,
}

/// <summary>How weights are updated.</summary>
public enum OptimizerKind { RmsProp, Sgd, Adam }

/// <summary>How much an image of each class counts in the loss.</summary>
public enum ClassWeights
{
    /// <summary>Every image the same.</summary>
    None,

    /// <summary>Every class the same: an image of class c counts n / (classes · n_c).</summary>
    Balanced,
}

/// <summary>What <c>train</c> was asked for. Null means that the default of the model or of the device holds.</summary>
public sealed record TrainSettings
{
    /// <summary>Data folder; null for synthetic images.</summary>
    public string? Data { get; init; }

    public ModelKind Model { get; init; } = ModelKind.Compact;

    /// <summary>Width and height of the images, in pixels.</summary>
    public int? Pixels { get; init; }

    public ResizeMethod Resize { get; init; } = ResizeMethod.Bilinear;

    public int? Epochs { get; init; }

    /// <summary>Images a step.</summary>
    public int? Batch { get; init; }

    public double? LearningRate { get; init; }

    /// <summary>How the learning rate changes over the training.</summary>
    public LearningRateSchedule? Schedule { get; init; }

    /// <summary>Look for a learning rate instead of training.</summary>
    public bool FindLearningRate { get; init; }

    public OptimizerKind? Optimizer { get; init; }

    /// <summary>λ of decoupled weight decay: a step takes the learning rate times λ of every weight of a kernel.</summary>
    public double? WeightDecay { get; init; }

    /// <summary>Share of activations dropped after every pooling layer, in [0, 1).</summary>
    public double Dropout { get; init; }

    /// <summary>Share of activations dropped after the hidden dense layer, in [0, 1).</summary>
    public double DenseDropout { get; init; }

    /// <summary>Share of activations dropped before the hidden dense layer of the cnn, in [0, 1).</summary>
    public double FlattenDropout { get; init; }

    /// <summary>Whether the convolutions of the cnn keep the size of their images.</summary>
    public bool SamePadding { get; init; }

    /// <summary>λ₁ of the penalty λ₁ Σ|w| on convolution kernels.</summary>
    public double L1 { get; init; }

    /// <summary>λ₂ of the penalty λ₂ Σw² on convolution kernels.</summary>
    public double L2 { get; init; }

    /// <summary>Whether training images are changed at random, in every epoch anew; null for the model's default.</summary>
    public bool? Augment { get; init; }

    /// <summary>Whether they are, but every image in the same way in all epochs.</summary>
    public bool AugmentOnce { get; init; }

    /// <summary>Epochs without a lower validation loss after which training stops; null never stops early.</summary>
    public int? EarlyStopping { get; init; }

    public ClassWeights ClassWeights { get; init; }

    /// <summary>Null for that of the weights where they say or are known for one, else of the model.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>A weight file to start from, or "imagenet" for the published one; null for random weights.</summary>
    public string? Weights { get; init; }

    /// <summary>The last layer of the base; null for all of it.</summary>
    public string? Until { get; init; }

    /// <summary>"all", "none", or the last layer of the base that stays as it is; null for all where there are weights to keep.</summary>
    public string? Freeze { get; init; }

    /// <summary>Units of the head's hidden layer.</summary>
    public int? Head { get; init; }

    /// <summary>Compute the frozen base once for each image and keep its outputs on disk.</summary>
    public bool Features { get; init; }

    /// <summary>Step size for the base; null for that of the head.</summary>
    public double? BaseLearningRate { get; init; }

    public LabelScheme Labels { get; init; }

    /// <summary>Name of the positive one of two classes; null for the one that the names speak for.</summary>
    public string? Positive { get; init; }

    /// <summary>Images to keep of each part; null keeps all.</summary>
    public int? Limit { get; init; }

    /// <summary>Images to keep of single parts, beside <see cref="Limit"/>; null keeps all.</summary>
    public PartLimits? PartLimits { get; init; }

    /// <summary>Whether of every part as many images of each class are kept as its smallest class has.</summary>
    public bool BalancedImages { get; init; }

    /// <summary>Null for the default: folders for a tree, patient otherwise.</summary>
    public SplitKind? Split { get; init; }

    public SplitFractions? Fractions { get; init; }

    /// <summary>A regular expression whose one group is the patient of an image's path; null for the known forms of names.</summary>
    public string? Patient { get; init; }

    public ConvolutionAlgorithm Convolution { get; init; }

    /// <summary>Multiply on tensor cores, with factors rounded to TF32.</summary>
    public bool Tf32 { get; init; }

    /// <summary>auto, cuda, opencl, cpu or part of a device's name.</summary>
    public string Device { get; init; } = "auto";

    public int Seed { get; init; } = 1;

    /// <summary>Run folder to write; null for <c>runs/TIMESTAMP-MODEL</c>.</summary>
    public string? Out { get; init; }

    /// <summary>Continue the run in <see cref="Out"/>.</summary>
    public bool Resume { get; init; }

    public bool Json { get; init; }

    /// <summary>
    /// The arguments that ask for the same training, as a shell reads them; where it is written and how it is shown is left out. What was
    /// not asked for is not in it: defaults are those of the version. Null where there are none: some settings belong to experiments.
    /// </summary>
    [JsonIgnore]
    public string? CommandLine
    {
        get
        {
            var asked = typeof(TrainSettings).GetProperties()
                .Where(property => property.CanWrite && property.Name is not (nameof(Out) or nameof(Resume) or nameof(Json)))
                .Where(property => !Equals(property.GetValue(this), property.GetValue(new TrainSettings()))).ToArray();
            if (asked.Any(property => property.Name is nameof(FlattenDropout) or nameof(SamePadding) or nameof(PartLimits) or nameof(BalancedImages))) return null;
            return string.Join(' ', ["train", .. asked.Select(property => OptionOf(property.Name)
                + property.GetValue(this) switch { true => "", var value => " " + Quoted(TrainingPlan.Value(value)) })]);
        }
    }

    /// <summary>The part of the settings that divides the images.</summary>
    public SplitSettings SplitSettings => new(Split, Fractions, Limit, Seed, PartLimits, BalancedImages);

    private static string OptionOf(string property) => property == nameof(Convolution) ? "--conv" : "--" + TrainingPlan.Words(property);

    private static string Quoted(string value) =>
        value.All(c => char.IsAsciiLetterOrDigit(c) || "_-./:,=+@%".Contains(c)) && value.Length > 0 ? value : $"'{value.Replace("'", "'\\''")}'";
}
