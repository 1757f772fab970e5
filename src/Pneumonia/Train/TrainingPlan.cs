using System.Globalization;
using System.Text.Json.Serialization;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Convolution;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// A run with every default filled in, as <c>config.json</c> holds it. Two plans that agree in everything but
/// <see cref="Epochs"/>, <see cref="EarlyStopping"/> and <see cref="Device"/> describe the same run, which can be resumed; under a schedule
/// the epochs must agree, too, for they fix its every step. A setting stands before those whose defaults depend on it, so that of several
/// differences the one the user made is named.
/// </summary>
public sealed record TrainingPlan
{
    public string Version { get; init; } = typeof(TrainingPlan).Assembly.GetName().Version?.ToString(3) ?? "";
    public string Dotnet { get; init; } = Environment.Version.ToString();
    public string Ilgpu { get; init; } = DeviceCatalogue.CompilerVersion;
    public string? Data { get; init; }

    public bool Synthetic { get; init; }
    public ModelKind Model { get; init; }
    public int Pixels { get; init; }
    public ResizeMethod Resize { get; init; }
    public int Epochs { get; init; }
    public int Batch { get; init; }
    public OptimizerKind Optimizer { get; init; }
    public double LearningRate { get; init; }
    public LearningRateSchedule Schedule { get; init; }
    public double WeightDecay { get; init; }
    public double Dropout { get; init; }
    public double DenseDropout { get; init; }
    public double FlattenDropout { get; init; }
    public bool SamePadding { get; init; }
    public double L1 { get; init; }
    public double L2 { get; init; }
    public bool Augment { get; init; }
    public bool AugmentOnce { get; init; }

    /// <summary>How far images are changed, in words; null without augmentation.</summary>
    public string? Augmentation { get; init; }
    public int? EarlyStopping { get; init; }
    public ClassWeights ClassWeights { get; init; }
    public Preprocessing Preprocessing { get; init; }

    /// <summary>Name and fingerprint of the file that the weights started from; null for random ones.</summary>
    public string? Weights { get; init; }

    public string? Until { get; init; }

    /// <summary>"all", or the last layer of the base that stays as it is; null for none.</summary>
    public string? Freeze { get; init; }

    public int? Head { get; init; }

    public bool Features { get; init; }

    public double? BaseLearningRate { get; init; }
    public LabelScheme Labels { get; init; }
    /// <summary>The positive one of two classes; null with more, and in runs of versions that did not say it.</summary>
    public string? Positive { get; init; }
    public int? Limit { get; init; }
    public PartLimits? PartLimits { get; init; }
    public bool BalancedImages { get; init; }
    public SplitKind? Split { get; init; }
    public SplitFractions? Fractions { get; init; }
    public string? Patient { get; init; }
    public ConvolutionAlgorithm Convolution { get; init; }
    public bool Tf32 { get; init; }
    public int Seed { get; init; }
    public string Device { get; init; } = "";

    /// <summary>A fingerprint of which image stands in which part; null for synthetic images.</summary>
    public string? Images { get; init; }

    /// <summary>What <c>--freeze</c> says for the whole base, and for none of it.</summary>
    public const string FreezeAll = "all", FreezeNone = "none";

    /// <summary>Fills in the defaults for a model and a device.</summary>
    public static TrainingPlan For(TrainSettings settings, DeviceDescription device)
    {
        bool synthetic = settings.Data is null;
        bool slow = IsSlow(device), compact = settings.Model == ModelKind.Compact;
        bool augment = settings.AugmentOnce || (settings.Augment ?? compact);
        return new TrainingPlan
        {
            Data = settings.Data is null ? null : Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(settings.Data))),
            Synthetic = synthetic,
            Model = settings.Model,
            Pixels = settings.Pixels ?? (slow ? SlowPixels : synthetic ? SyntheticPixels : 150),
            Resize = settings.Resize,
            Epochs = settings.Epochs ?? (slow ? 1 : synthetic ? SyntheticEpochs : compact ? CompactEpochs : 10),
            // Few images want small steps: six hundred in batches of a hundred would be six steps an epoch.
            Batch = settings.Batch ?? (synthetic ? SyntheticBatch : compact ? CompactBatch : 100),
            LearningRate = settings.LearningRate ?? (settings.Optimizer ?? DefaultOptimizer(settings.Model)) switch
            {
                OptimizerKind.Sgd => 0.01,
                _ when compact => CompactLearningRate,
                _ => synthetic ? SyntheticLearningRate : 1e-4,
            },
            Optimizer = settings.Optimizer ?? DefaultOptimizer(settings.Model),
            Schedule = settings.Schedule ?? (compact ? LearningRateSchedule.Cosine : LearningRateSchedule.Constant),
            WeightDecay = settings.WeightDecay ?? (compact ? CompactWeightDecay : 0),
            Dropout = settings.Dropout,
            DenseDropout = settings.DenseDropout,
            FlattenDropout = settings.FlattenDropout,
            SamePadding = settings.SamePadding,
            L1 = settings.L1,
            L2 = settings.L2,
            Augment = augment,
            AugmentOnce = settings.AugmentOnce,
            Augmentation = augment ? AugmentationOf(settings.Model).ToString() : null,
            EarlyStopping = settings.EarlyStopping,
            ClassWeights = settings.ClassWeights,
            Preprocessing = settings.Preprocessing ?? (compact ? Preprocessing.Standardize : Preprocessing.Rescale),
            Until = settings.Until,
            Freeze = settings.Freeze == FreezeNone ? null : settings.Freeze ?? (settings.Model == ModelKind.Vgg19 && settings.Weights is not null ? FreezeAll : null),
            Head = settings.Model == ModelKind.Vgg19 ? settings.Head ?? ModelChoice.DefaultHead : null,
            Features = settings.Features,
            BaseLearningRate = settings.BaseLearningRate,
            Labels = settings.Labels,
            Limit = settings.Limit ?? (slow ? SlowLimit : null),
            PartLimits = settings.PartLimits,
            BalancedImages = settings.BalancedImages,
            Split = settings.Split,
            Fractions = settings.Fractions,
            Patient = settings.Patient,
            Convolution = settings.Convolution,
            Tf32 = settings.Tf32,
            Seed = settings.Seed,
            Device = device.ToString(),
        };
    }

    /// <summary>How images are changed where they are.</summary>
    public static AugmentationRanges AugmentationOf(ModelKind model) =>
        model == ModelKind.Compact ? XrayAugmentation.OtherMachines : XrayAugmentation.Reference;

    /// <summary>Images of each part when they are generated and no limit is given: training, validation, test.</summary>
    public static (int Train, int Val, int Test) SyntheticCounts => (640, 160, 160);

    /// <summary>Images of each part that this run draws.</summary>
    [JsonIgnore]
    public (int Train, int Val, int Test) DrawnCounts =>
        (Drawn(SyntheticCounts.Train), Drawn(SyntheticCounts.Val), Drawn(SyntheticCounts.Test));

    /// <summary>Every setting by name, in the order in which a report shows them.</summary>
    [JsonIgnore]
    public IReadOnlyList<(string Name, string Value)> Rows =>
    [
        .. typeof(TrainingPlan).GetProperties()
            .Where(property => property.Name is not (nameof(Rows) or nameof(SyntheticCounts) or nameof(DrawnCounts)) && property.GetValue(this) is not null)
            .Select(property => (Words(property.Name), Value(property.GetValue(this)))),
    ];

    /// <summary>Whether a device is ILGPU's debugger, for which the defaults shrink.</summary>
    public static bool IsSlow(DeviceDescription device) => device.Kind == DeviceKind.IlgpuCpu;

    /// <param name="other">The plan of the run that is there.</param>
    /// <param name="run">Its folder.</param>
    /// <param name="option">What the user asked with for this run to be continued.</param>
    /// <exception cref="UserError">The other plan is another run; the message names the first setting that differs.</exception>
    public void RequireSameRun(TrainingPlan other, string run, string option = "--resume")
    {
        foreach (var property in typeof(TrainingPlan).GetProperties())
        {
            if (property.Name == nameof(Epochs) && Schedule == LearningRateSchedule.Constant) continue;
            if (property.Name is nameof(EarlyStopping) or nameof(Device) or nameof(Version) or nameof(Dotnet) or nameof(Ilgpu) or nameof(Rows) or nameof(SyntheticCounts) or nameof(DrawnCounts)) continue;
            object? mine = property.GetValue(this), theirs = property.GetValue(other);
            // Its checkpoint names the classes in their order, and is asked instead.
            if (property.Name == nameof(Positive) && theirs is null) continue;
            if (!Equals(mine, theirs))
            {
                if (property.Name == nameof(Images))
                    throw new UserError($"{option}: the run in {run} was started with other images or another division of them; give the same data, or another --out");
                throw new UserError($"{option}: the run in {run} was started with {Words(property.Name)} {Value(theirs)}, not {Value(mine)}; "
                    + "give the same settings, or another --out");
            }
        }
    }

    private int Drawn(int count) => Math.Min(count, Limit ?? count);

    private const int SlowPixels = 64, SlowLimit = 64;
    private const int SyntheticPixels = 96, SyntheticEpochs = 8, SyntheticBatch = 20;
    private const double SyntheticLearningRate = 3e-4;

    // The compact network normalizes, so that it bears large steps; decay keeps its weights from growing meanwhile.
    private const int CompactBatch = 50, CompactEpochs = 24;
    private const double CompactLearningRate = 1e-3, CompactWeightDecay = 0.05;

    private static OptimizerKind DefaultOptimizer(ModelKind model) => model switch
    {
        ModelKind.Mlp => OptimizerKind.Sgd,
        ModelKind.Compact => OptimizerKind.Adam,
        _ => OptimizerKind.RmsProp,
    };

    /// <summary>A setting as it is written on the command line.</summary>
    internal static string Value(object? value) => value switch
    {
        null => "unset",
        Enum or bool => value.ToString()!.ToLowerInvariant(),
        SplitFractions fractions => FormattableString.Invariant($"{fractions.Train},{fractions.Val},{fractions.Test}"),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>A setting's name as it is written on the command line.</summary>
    internal static string Words(string name) => string.Concat(name.Select((c, i) => i > 0 && char.IsUpper(c) ? $"-{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
