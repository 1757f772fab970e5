using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Experiments;

/// <summary>Settings of <c>experiments</c>.</summary>
public sealed record ExperimentSettings : ICheckedSettings
{
    private const int MostSeeds = 1000;

    /// <summary>Where run folders and tables go by default.</summary>
    public static string DefaultOut => Path.Combine("runs", "experiments");

    /// <summary>Data folder.</summary>
    [Data("tree {train,val,test}/CLASS/* or CLASS/* of images", Missing = "which images? give their folder with --data DIR")]
    public string Data { get; init; } = "";

    /// <summary>The ids of the rows with commas between them; null for all.</summary>
    [Only]
    public string? Only { get; init; }

    /// <summary>The rows, in the order of the table.</summary>
    /// <exception cref="UserError">There is no such row.</exception>
    public IReadOnlyList<ReferenceRow> Rows
    {
        get
        {
            if (Only is null) return ReferenceRows.All;
            var asked = Only.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            if (asked.Length == 0) throw new UserError($"--only: names no row; the rows are {ReferenceRows.Ids}");
            if (asked.FirstOrDefault(id => ReferenceRows.All.All(row => row.Id != id)) is { } unknown)
                throw new UserError($"--only {unknown}: no such row; the rows are {ReferenceRows.Ids}");
            return [.. ReferenceRows.All.Where(row => asked.Contains(row.Id))];
        }
    }

    [Choice<SplitKind>("how images are divided (patient); published was reference")]
    public SplitKind Split { get; init; } = SplitKind.Patient;

    /// <summary>A regular expression whose only group is the patient in an image's path; null for the known file names.</summary>
    [Patient]
    public string? Patient { get; init; }

    /// <summary>The factor on the epochs of a row.</summary>
    [Number("multiply the epochs of each row, rounded up, at least one (1)", 0, 100, Bounds.OnlyHighest)]
    public double EpochsScale { get; init; } = 1;

    /// <summary>Images to keep of each part; null keeps all.</summary>
    [Limit]
    public int? Limit { get; init; }

    /// <summary>The weights of the rows that need some: a file, or "imagenet" for the published one.</summary>
    [Text("FILE|imagenet", "weights that the vgg19 rows start from (imagenet)", "a file, or imagenet")]
    public string? Weights { get; init; }

    /// <summary>The last layer of the base of those rows; null for all of it.</summary>
    [Text("LAYER", "cut vgg19's base after this layer, such as block3_pool (block5_pool)", "a layer")]
    public string? Until { get; init; }

    /// <summary>Additional text for the notes of the rows.</summary>
    [Text("TEXT", "what the notes of these rows shall say besides", "a text")]
    public string? Note { get; init; }

    /// <summary>The first seed.</summary>
    [Seed]
    public int Seed { get; init; } = 1;

    /// <summary>How many seeds each row is trained with.</summary>
    [Whole("train each row with N seeds, from --seed on, and show mean and deviation (1)", 1, MostSeeds)]
    public int Seeds { get; init; } = 1;

    /// <summary>Where run folders and tables go.</summary>
    [OutFolder]
    public string Out { get; init; } = DefaultOut;

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Json]
    public bool Json { get; init; }

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        var rows = Rows;
        var layers = ReferenceNetworks.Vgg19BaseLayers;
        if (Until is { } layer && !layers.Contains(layer))
            throw new UserError($"--until {layer}: vgg19's base has no such layer; its layers are {string.Join(", ", layers)}");
        if ((Weights is null ? Until is null ? null : "--until" : "--weights") is { } idle && !rows.Any(row => row.NeedsWeights))
            throw new UserError($"{idle}: none of the rows {string.Join(", ", rows.Select(row => row.Id))} is of vgg19; leave it out");
        if (Seed > int.MaxValue - Seeds) throw new UserError($"--seed {Seed}: leaves no room for {Seeds} seeds; give a smaller one");
    }

    /// <summary>The run folder of a row and a seed: the row's name, plus the seed unless it is 1.</summary>
    public string RunOf(ReferenceRow row, int seed) => Path.Combine(Out, RunNameOf(row, seed));

    /// <inheritdoc cref="RunOf"/>
    public static string RunNameOf(ReferenceRow row, int seed) => seed == 1 ? row.Id : $"{row.Id}-seed{seed}";

    /// <summary>Epochs of a row: rounded up, at least one. Computed in decimals; otherwise 0.07 of 100 would be 8.</summary>
    public int EpochsOf(ReferenceRow row) => Math.Max(1, (int)Math.Ceiling(row.Settings.Epochs * (decimal)EpochsScale));

    /// <summary>The training of a row and a seed.</summary>
    public TrainSettings TrainingOf(ReferenceRow row, int seed)
    {
        var training = row.Settings with
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
        training = training with { Weights = Weights ?? row.Settings.Weights, Until = Until };
        return row.TrainsLastConvolution ? training with { Freeze = BeforeLastConvolution(Until) } : training;
    }

    /// <summary>Notes for the comparison of a row with the published result.</summary>
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

    // The last frozen layer when the base's last convolution is trained.
    private static string BeforeLastConvolution(string? until)
    {
        using var network = ReferenceNetworks.Vgg19(150, until: until ?? ReferenceNetworks.Vgg19BaseLayers[^1]);
        var last = network.Layers.ToList().FindLastIndex(layer => layer is Conv2D);
        return last == 0 ? TrainSettings.FreezeNone : network.Layers[last - 1].Name;
    }
}

/// <summary>The rows to run.</summary>
internal sealed class OnlyAttribute() : TextAttribute("ID,…", $"rows to run (all): {ReferenceRows.Ids}", "ids of rows");

/// <summary>The folder of the table.</summary>
internal sealed class OutFolderAttribute() : TextAttribute("DIR",
    "folder of the table and of a run folder for each row, ID or ID-seedN; finished runs stay, interrupted ones go on "
        + $"({ExperimentSettings.DefaultOut})", "a folder");
