using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Convolution;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;
using static Convolve.Pneumonia.Train.TrainingDefaults;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// The settings of a training. Each is declared here and nowhere else: its option and help, its bounds, and its default, which may follow
/// the model, the images and the device. What was not asked for has its default.
/// </summary>
/// <remarks>
/// Every property that can be set is recorded in <c>config.json</c>, is a row of the report, must be the same where a run goes on, and
/// stands in the command line that repeats it, unless its attributes say otherwise: a new setting cannot be forgotten. They are listed in
/// the order of declaration.
/// </remarks>
public sealed partial record TrainSettings : ICheckedSettings
{
    private const int MostEpochs = 100_000, LargestBatch = 65_536, MostUnits = 65_536;

    /// <summary>The value of <c>--freeze</c> for none of the base.</summary>
    public const string FreezeNone = "none";

    [Recorded(MayChange = true)]
    public string Version { get; init; } = typeof(TrainSettings).Assembly.GetName().Version?.ToString(3) ?? "";

    [Recorded(MayChange = true)]
    public string Dotnet { get; init; } = Environment.Version.ToString();

    [Recorded(MayChange = true)]
    public string Ilgpu { get; init; } = DeviceCatalogue.CompilerVersion;

    /// <summary>Data folder; null for synthetic images. A run's record contains only its name.</summary>
    [Data("tree {train,val,test}/CLASS/* or CLASS/* of images; without it synthetic X-rays")]
    public string? Data { get; init; }

    public bool Synthetic { get => Asked(() => Data is null); init => Ask(value); }

    [Choice<ModelKind>("network (compact)")]
    public ModelKind Model { get; init; } = ModelKind.Compact;

    /// <summary>Width and height of the images, in pixels.</summary>
    [Pixels("width and height of the images (150)")]
    public int Pixels { get => Asked(() => OnSlowDevice ? SlowPixels : Synthetic ? SyntheticPixels : 150); init => Ask(value); }

    [Choice<ResizeMethod>("how images get their size (bilinear)")]
    public ResizeMethod Resize { get; init; } = ResizeMethod.Bilinear;

    /// <summary>
    /// Passes over the training images. A run may be resumed for more, unless a schedule depends on their number.
    /// </summary>
    [Whole("passes over the training images (10; compact 24; synthetic 8)", 1, MostEpochs)]
    public int Epochs
    {
        get => Asked(() => OnSlowDevice ? 1 : Synthetic ? SyntheticEpochs : IsCompact ? CompactEpochs : 10); init =>
        Ask(value);
    }

    /// <summary>Images per step.</summary>
    [Whole("images a step (100; compact 50; synthetic 20)", 1, LargestBatch)]
    public int Batch { get => Asked(() => Synthetic ? SyntheticBatch : IsCompact ? CompactBatch : 100); init => Ask(value); }

    [Number("step size of the optimizer (1e-4; compact 1e-3; synthetic 3e-4; sgd 0.01)", 0, 100, Bounds.OnlyHighest)]
    public double LearningRate
    {
        get => Asked(() => Optimizer == OptimizerKind.Sgd ? SgdLearningRate : IsCompact ? CompactLearningRate : Synthetic
            ? SyntheticLearningRate : 1e-4);
        init => Ask(value);
    }

    /// <summary>How the learning rate changes over the training.</summary>
    [Choice<LearningRateSchedule>(
        "how the learning rate changes: a tenth after half and a hundredth after three quarters, or down a cosine after a warm-up "
            + "(constant; compact cosine)")]
    public LearningRateSchedule Schedule
    {
        get =>
        Asked(() => IsCompact ? LearningRateSchedule.Cosine : LearningRateSchedule.Constant); init => Ask(value);
    }

    /// <summary>Look for a learning rate instead of training.</summary>
    [Recorded(Never = true)]
    [Flag("try growing learning rates, print the losses and a suggestion, and end")]
    public bool FindLearningRate { get; init; }

    /// <summary>How weights are updated. Recorded before the learning rate, whose default depends on it.</summary>
    [Recorded(After = nameof(Batch))]
    [Choice<OptimizerKind>("how weights are updated (rmsprop; mlp sgd; compact adam)")]
    public OptimizerKind Optimizer
    {
        get => Asked(() => Model == ModelKind.Mlp ? OptimizerKind.Sgd : IsCompact ? OptimizerKind.Adam : OptimizerKind.RmsProp);
        init => Ask(value);
    }

    /// <summary>λ of decoupled weight decay: a step subtracts the learning rate times λ times the weight from every kernel
    /// weight.</summary>
    [Number("share of a weight, times the learning rate, that a step takes away (0; compact 0.05)", 0, 10)]
    public double WeightDecay { get => Asked(() => IsCompact ? CompactWeightDecay : 0); init => Ask(value); }

    /// <summary>Fraction of activations dropped after every pooling layer, in [0, 1).</summary>
    [OnlyFor(ModelKind.Cnn, ModelKind.Compact)]
    [Number("share dropped after every pooling layer (0)", 0, 1, Bounds.OnlyLowest)]
    public double Dropout { get; init; }

    /// <summary>Fraction of activations dropped after the hidden dense layer, in [0, 1).</summary>
    [OnlyFor(ModelKind.Cnn, ModelKind.Compact, ModelKind.Vgg19)]
    [Number("share dropped after the hidden dense layer (0)", 0, 1, Bounds.OnlyLowest)]
    public double DenseDropout { get; init; }

    /// <summary>Fraction of activations dropped before the hidden dense layer of the cnn, in [0, 1).</summary>
    public double FlattenDropout { get; init; }

    /// <summary>Whether the convolutions of the cnn keep the size of their images.</summary>
    public bool SamePadding { get; init; }

    /// <summary>λ₁ of the penalty λ₁ Σ|w| on convolution kernels.</summary>
    [OnlyFor(ModelKind.Cnn, ModelKind.Compact)]
    [Number("L1 penalty on convolution kernels (0)", 0, 1)]
    public double L1 { get; init; }

    /// <summary>λ₂ of the penalty λ₂ Σw² on convolution kernels.</summary>
    [OnlyFor(ModelKind.Cnn, ModelKind.Compact)]
    [Number("L2 penalty on convolution kernels (0)", 0, 1)]
    public double L2 { get; init; }

    /// <summary>Whether to augment training images, differently in every epoch.</summary>
    [Switch("change training images at random, in every epoch anew: turn, shift, zoom, mirror; "
        + "for compact sharpness, gamma, contrast and noise as well (compact true, others false)")]
    public bool Augment { get => AugmentOnce || Asked(() => IsCompact); init => Ask(value); }

    /// <summary>Whether to augment them once, the same way in all epochs.</summary>
    [Flag("the same, but every image in one way for all epochs")]
    public bool AugmentOnce { get; init; }

    /// <summary>The augmentation in words; null without augmentation.</summary>
    public string? Augmentation { get => Asked(() => Augment ? AugmentationRanges.ToString() : null); init => Ask(value); }

    /// <summary>Epochs without a lower validation loss after which training stops; null never stops early.</summary>
    [Recorded(MayChange = true)]
    [Whole("stop after N epochs without a lower validation loss", 1, MostEpochs)]
    public int? EarlyStopping { get; init; }

    [Choice<ClassWeights>("count every image, or every class, the same (none)")]
    public ClassWeights ClassWeights { get; init; }

    /// <summary>Preprocessing. That of known weights takes precedence over the model's default.</summary>
    [Choice<Preprocessing>("what becomes of a byte: 0 to 1; as Keras' or torchvision's weights of VGG were trained; or every image's own "
        + "mean and contrast evened out "
        + "(rescale; compact standardize; published weights their own)")]
    public Preprocessing Preprocessing
    {
        get => Asked(() => IsCompact ? Preprocessing.Standardize : Preprocessing.Rescale); init =>
        Ask(value);
    }

    /// <summary>
    /// A weight file to start from, or "imagenet" for the published one; null for random weights. A run's record holds name and fingerprint
    /// of the file.
    /// </summary>
    [Text("FILE|imagenet", "start from a weight file, a checkpoint of the same network, or the published one (random "
        + "weights)", "a file, or imagenet")]
    public string? Weights { get; init; }

    /// <summary>The last layer of the base; null for all of it.</summary>
    [OnlyFor(ModelKind.Vgg19)]
    [Text("LAYER", "cut vgg19's base after this layer, such as block3_pool (block5_pool)", "a layer")]
    public string? Until { get; init; }

    /// <summary>
    /// "all", or the last layer of the base that stays as it is; null for none. Where there are weights to keep, all of them are by
    /// default.
    /// </summary>
    [OnlyFor(ModelKind.Vgg19)]
    [Text("all|none|LAYER", "keep the base as it is, or only up to and with a layer (all with --weights, "
        + "else none)", "all, none, or a layer")]
    public string? Freeze
    {
        get => Asked(() => Model == ModelKind.Vgg19 && Weights is not null ? NetworkOptions.FreezeAll : null) is var asked
            && asked == FreezeNone ? null : asked;
        init => Ask(value);
    }

    /// <summary>Units of the hidden layer of vgg19's head; null for another network.</summary>
    [OnlyFor(ModelKind.Vgg19)]
    [Whole("units of the hidden layer after vgg19's base (256)", 1, MostUnits)]
    public int? Head { get => Asked<int?>(() => Model == ModelKind.Vgg19 ? NetworkOptions.DefaultHead : null); init => Ask(value); }

    /// <summary>Compute the frozen base once for each image and keep its outputs on disk.</summary>
    [OnlyFor(ModelKind.Vgg19)]
    [Flag("compute the frozen base once for each image, keep that on disk (" + FeatureFolder.DefaultLimit + " GiB of it, or $"
        + FeatureFolder.LimitVariable
        + "), and train the head alone")]
    public bool Features { get; init; }

    /// <summary>Learning rate of the base; null for that of the head.</summary>
    [OnlyFor(ModelKind.Vgg19)]
    [Number("step size for the part of the base that is not frozen (that of the head)", 0, 100, Bounds.OnlyHighest,
        HelpAfter = nameof(LearningRate))]
    public double? BaseLearningRate { get; init; }

    [Labels]
    public LabelScheme Labels { get; init; }

    /// <summary>
    /// Name of the positive one of two classes; null for the one that the names suggest. A run's record contains the one that was used.
    /// </summary>
    [Positive]
    public string? Positive { get; init; }

    /// <summary>Images to keep of each part; null keeps all.</summary>
    [Limit]
    public int? Limit { get => Asked<int?>(() => OnSlowDevice ? SlowLimit : null); init => Ask(value); }

    /// <summary>Images to keep of single parts, in addition to <see cref="Limit"/>; null keeps all.</summary>
    public PartLimits? PartLimits { get; init; }

    /// <summary>Whether to balance each part: as many images of each class as its smallest class has.</summary>
    public bool BalancedImages { get; init; }

    /// <summary>Null for the default: folders for a tree, patient otherwise.</summary>
    [Choice<SplitKind>("how images are divided (folders for a tree, else patient)")]
    public SplitKind? Split { get; init; }

    [Fractions("shares of a patient or random split (0.8,0.1,0.1)")]
    public SplitFractions? Fractions { get; init; }

    /// <summary>A regular expression whose only group is the patient in an image's path; null for the known file names.</summary>
    [Patient]
    public string? Patient { get; init; }

    [Choice<ConvolutionAlgorithm>("convolution algorithm (auto)", Name = "--conv")]
    public ConvolutionAlgorithm Convolution { get; init; }

    /// <summary>Multiply on tensor cores, with factors rounded to TF32.</summary>
    [Flag("round factors to TF32 and multiply on tensor cores; NVIDIA GPUs from sm_80 on (off)")]
    public bool Tf32 { get; init; }

    /// <summary>auto, cuda, opencl, cpu or part of a device's name; in a run's record the device that computed.</summary>
    [Recorded(MayChange = true, After = nameof(Seed))]
    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Seed]
    public int Seed { get; init; } = 1;

    /// <summary>A fingerprint of which image is in which part; null for synthetic images, and before they are split.</summary>
    public string? Images { get; init; }

    /// <summary>Run folder to write; null for <c>runs/TIMESTAMP-MODEL</c>.</summary>
    [Recorded(Never = true)]
    [Text("DIR", "run folder to write (runs/TIMESTAMP-MODEL)", "a folder")]
    public string? Out { get; init; }

    /// <summary>Continue the run in <see cref="Out"/>.</summary>
    [Recorded(Never = true)]
    [Flag("continue the run in --out")]
    public bool Resume { get; init; }

    /// <summary>File for a trace of the execution; null for none.</summary>
    [Recorded(Never = true)]
    [Trace]
    public string? Trace { get; init; }

    [Recorded(Never = true)]
    [Json]
    public bool Json { get; init; }

    /// <summary>
    /// The settings of a run on a device, whose defaults may differ, as the run records them: its folder of images by name, its device by
    /// description.
    /// </summary>
    public TrainSettings On(DeviceDescription device) => this with
    {
        Data = Data is null ? null : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(Data))),
        Device = device.ToString(),
        OnSlowDevice = OpenDevice.IsSlow(device),
    };

    /// <summary>The settings of the split.</summary>
    public SplitSettings SplitSettings => new(Split, Fractions, Limit, Seed, PartLimits, BalancedImages);

    /// <summary>The augmentation, if there is one.</summary>
    public AugmentationRanges AugmentationRanges => IsCompact ? XrayAugmentation.OtherMachines : XrayAugmentation.Reference;

    /// <summary>How an image becomes the network's input.</summary>
    /// <param name="channels">Channels of the network's images: 1 for grayscale, to which colours are converted, or 3.</param>
    public ImagePreprocessing Input(int channels) => new(Pixels, channels, Resize, Preprocessing);

    /// <summary>Synthetic images of each part, without a data folder.</summary>
    public (int Train, int Val, int Test) DrawnCounts =>
        (Drawn(SyntheticCounts.Train), Drawn(SyntheticCounts.Val), Drawn(SyntheticCounts.Test));

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command) => TrainSettingsCheck.Require(this);

    private bool IsCompact => Model == ModelKind.Compact;

    private bool OnSlowDevice { get; init; }

    private int Drawn(int count) => Math.Min(count, Limit ?? count);
}
