using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Experiments;

/// <summary>What <c>experiments</c> was asked for.</summary>
public sealed record ExperimentSettings
{
    /// <summary>Where run folders and tables go by default.</summary>
    public static string DefaultOut => Path.Combine("runs", "experiments");

    /// <summary>Data folder.</summary>
    public required string Data { get; init; }

    /// <summary>The rows, in the order of the table.</summary>
    public IReadOnlyList<ReferenceRow> Rows { get; init; } = ReferenceRows.All;

    public SplitKind Split { get; init; } = SplitKind.Patient;

    /// <summary>A regular expression whose one group is the patient of an image's path; null for the known forms of names.</summary>
    public string? Patient { get; init; }

    /// <summary>What the epochs of a row are multiplied with.</summary>
    public double EpochsScale { get; init; } = 1;

    /// <summary>Images to keep of each part; null keeps all.</summary>
    public int? Limit { get; init; }

    /// <summary>The first seed.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many seeds each row is trained with.</summary>
    public int Seeds { get; init; } = 1;

    /// <summary>Where run folders and tables go.</summary>
    public string Out { get; init; } = DefaultOut;

    public string Device { get; init; } = "auto";

    /// <summary>The weights of the rows that need some: a file, or "imagenet" for the published one.</summary>
    public string? Weights { get; init; }

    /// <summary>The last layer of the base of those rows; null for all of it.</summary>
    public string? Until { get; init; }

    /// <summary>What the notes of the rows shall say besides.</summary>
    public string? Note { get; init; }

    public bool Json { get; init; }

    /// <summary>The run folder of a row and a seed: the row's name, and with another seed than 1 the seed.</summary>
    public string RunOf(ReferenceRow row, int seed) => Path.Combine(Out, RunNameOf(row, seed));

    /// <inheritdoc cref="RunOf"/>
    public static string RunNameOf(ReferenceRow row, int seed) => seed == 1 ? row.Id : $"{row.Id}-seed{seed}";

    /// <summary>Epochs of a row: rounded up, at least one. In decimals, or 0.07 of 100 would be 8.</summary>
    public int EpochsOf(ReferenceRow row) => Math.Max(1, (int)Math.Ceiling(row.Settings.Epochs!.Value * (decimal)EpochsScale));

    /// <summary>The training of a row and a seed.</summary>
    public TrainSettings TrainingOf(ReferenceRow row, int seed)
    {
        TrainSettings training = row.Settings with
        {
            Data = Data,
            Epochs = EpochsOf(row),
            Limit = Limit,
            Split = Split,
            Patient = Patient,
            Seed = seed,
            Device = Device,
            Out = RunOf(row, seed),
            Resume = true,
        };
        if (!row.NeedsWeights) return training;
        return training with
        {
            Weights = Weights ?? row.Settings.Weights,
            Until = Until,
            Freeze = row.TrainsLastConvolution ? BeforeLastConvolution(Until) : row.Settings.Freeze,
        };
    }

    /// <summary>What must be known to compare a row with the published one.</summary>
    public string NoteOf(ReferenceRow row)
    {
        string?[] notes =
        [
            row.Remark,
            Split == SplitKind.Reference ? null : $"split {Split.ToString().ToLowerInvariant()}, published reference",
            EpochsScale == 1 ? null : FormattableString.Invariant($"epochs × {EpochsScale}"),
            Limit is { } limit ? $"at most {limit} images of each part" : null,
            row.NeedsWeights && Until is { } until ? $"cut after {until}" : null,
            Note,
        ];
        return string.Join("; ", notes.OfType<string>());
    }

    // The layer up to which a base stays frozen when its last convolution is trained.
    private static string BeforeLastConvolution(string? until)
    {
        using Sequential network = ReferenceNetworks.Vgg19(150, until: until ?? ReferenceNetworks.Vgg19BaseLayers[^1]);
        int last = network.Layers.ToList().FindLastIndex(layer => layer is Conv2D);
        return last == 0 ? TrainingPlan.FreezeNone : network.Layers[last - 1].Name;
    }
}
