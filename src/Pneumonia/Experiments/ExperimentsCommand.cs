using System.CommandLine;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Experiments;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Experiments;

internal sealed class ExperimentsCommand : Command
{
    private const int MostSeeds = 1000;

    private readonly Option<string?> data = SharedOption.Data("tree {train,val,test}/CLASS/* or CLASS/* of images");
    private readonly Option<string?> only = CheckedOption.Text("--only", "ID,…", $"rows to run (all): {string.Join(", ", ReferenceRows.All.Select(row => row.Id))}", "ids of rows");
    private readonly Option<SplitKind?> split = CheckedOption.Choice<SplitKind>("--split", "how images are divided (patient); published was reference");
    private readonly Option<string?> patient = SharedOption.Patient();
    private readonly Option<double?> epochsScale = CheckedOption.Number("--epochs-scale", "multiply the epochs of each row, rounded up, at least one (1)",
        "a number above 0 and at most 100", value => value is > 0 and <= 100);
    private readonly Option<int?> limit = SharedOption.Limit();
    private readonly Option<string?> weights = CheckedOption.Text("--weights", "FILE|imagenet", "weights that the vgg19 rows start from (imagenet)", "a file, or imagenet");
    private readonly Option<string?> until = CheckedOption.Text("--until", "LAYER", "cut vgg19's base after this layer, such as block3_pool (block5_pool)", "a layer");
    private readonly Option<string?> note = CheckedOption.Text("--note", "TEXT", "what the notes of these rows shall say besides", "a text");
    private readonly Option<int?> seeds = CheckedOption.Whole("--seeds", "train each row with N seeds, from --seed on, and show mean and deviation (1)", 1, MostSeeds);
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<string?> output = CheckedOption.Text("--out", "DIR",
        $"folder of the table and of a run folder for each row, ID or ID-seedN; finished runs stay, interrupted ones go on ({ExperimentSettings.DefaultOut})", "a folder");
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<bool> json = SharedOption.Json();

    public ExperimentsCommand(Terminal terminal) : base("experiments", "run the reference experiments again, beside their published figures")
    {
        foreach (Option option in new Option[] { data, only, split, patient, epochsScale, limit, weights, until, note, seed, seeds, output, device, json }) Add(option);
        SetAction((result, cancellation) => ExperimentRunner.RunAsync(Read(result), terminal, cancellation));
    }

    private ExperimentSettings Read(ParseResult result)
    {
        var settings = new ExperimentSettings
        {
            Data = result.GetValue(data) ?? throw new UserError("experiments: which images? give their folder with --data DIR"),
            Rows = result.GetValue(only) is { } ids ? RowsOf(ids) : ReferenceRows.All,
            Split = result.GetValue(split) ?? SplitKind.Patient,
            Patient = result.GetValue(patient),
            EpochsScale = result.GetValue(epochsScale) ?? 1,
            Limit = result.GetValue(limit),
            Weights = result.GetValue(weights),
            Until = result.GetValue(until),
            Note = result.GetValue(note),
            Seed = result.GetValue(seed) ?? SharedOption.DefaultSeed,
            Seeds = result.GetValue(seeds) ?? 1,
            Out = result.GetValue(output) ?? ExperimentSettings.DefaultOut,
            Device = result.GetValue(device) ?? SharedOption.DefaultDevice,
            Json = result.GetValue(json),
        };
        IReadOnlyList<string> layers = ReferenceNetworks.Vgg19BaseLayers;
        if (settings.Until is { } layer && !layers.Contains(layer))
            throw new UserError($"--until {layer}: vgg19's base has no such layer; its layers are {string.Join(", ", layers)}");
        if ((settings.Weights is null ? settings.Until is null ? null : "--until" : "--weights") is { } idle && !settings.Rows.Any(row => row.NeedsWeights))
            throw new UserError($"{idle}: none of the rows {string.Join(", ", settings.Rows.Select(row => row.Id))} is of vgg19; leave it out");
        if (settings.Seed > int.MaxValue - settings.Seeds) throw new UserError($"--seed {settings.Seed}: leaves no room for {settings.Seeds} seeds; give a smaller one");
        return settings;
    }

    private static IReadOnlyList<ReferenceRow> RowsOf(string ids)
    {
        string[] asked = ids.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        string all = string.Join(", ", ReferenceRows.All.Select(row => row.Id));
        if (asked.Length == 0) throw new UserError($"--only: names no row; the rows are {all}");
        if (asked.FirstOrDefault(id => ReferenceRows.All.All(row => row.Id != id)) is { } unknown)
            throw new UserError($"--only {unknown}: no such row; the rows are {all}");
        return [.. ReferenceRows.All.Where(row => asked.Contains(row.Id))];
    }
}
