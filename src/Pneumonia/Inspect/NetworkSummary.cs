using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Inspect;

/// <summary>Settings of <c>summary</c>.</summary>
public sealed record SummarySettings : ICheckedSettings
{
    /// <summary>Network to build; null for a run's or the default one.</summary>
    [Choice<ModelKind>("network (compact)")]
    public ModelKind? Model { get; init; }

    /// <summary>Width and height of its images; null for a run's or the default ones.</summary>
    [Pixels("width and height of its images (150)")]
    public int? Pixels { get; init; }

    /// <summary>Run folder, or null.</summary>
    [Run("the network of a run folder, instead of --model")]
    public string? Run { get; init; }

    /// <summary>Whether to time every layer, which takes a device.</summary>
    [Flag("time every layer and compare it with what the device can do")]
    public bool Measure { get; init; }

    /// <summary>Batch size; null for a size that suits the device.</summary>
    [Whole("with --measure: images to a batch (8; 1 on a slow device)", 1, 100_000)]
    public int? Batch { get; init; }

    /// <summary>The device; null for the default one.</summary>
    [Device]
    public string? Device { get; init; }

    /// <summary>The file for the picture; null for none.</summary>
    [Text("FILE", "with --measure: a picture of the roofline, .svg", "a file name")]
    public string? Out { get; init; }

    [Json]
    public bool Json { get; init; }

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        ModelChoice.RequireNone(command, Run, Model, Pixels);
        if (!Measure && (Batch is not null ? "--batch" : Device is not null ? "--device" : Out is not null ? "--out"
            : null) is { } needless)
            throw new UserError($"{needless}: belongs to a measurement; add --measure, or leave it out");
        if (Out is not null && !Out.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
            throw new UserError($"--out {Out}: the picture is an SVG; give a name that ends in .svg");
    }
}

/// <summary>Lists a network's layers, shapes and costs.</summary>
public static class NetworkSummary
{
    private const int UsualPixels = 150;

    public static Task<int> RunAsync(SummarySettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var network = settings.Run is null
            ? ModelChoice.Build(settings.Model ?? ModelKind.Compact, settings.Pixels ?? UsualPixels, classes: 2)
            : Describe(settings.Run);
        if (settings.Measure) return MeasuredSummary.RunAsync(network, settings, terminal, cancellation);
        var rows = network.Summary();
        long parameters = network.ParameterCount, trainable = network.TrainableCount;
        var flops = rows.Sum(row => row.Flops);
        // Activations of one image, as float32.
        var bytes = rows.Sum(row => (long)row.OutputShape.Length) * sizeof(float);
        if (settings.Json)
        {
            terminal.WriteJson(new
            {
                input = network.InputShape.Sizes,
                parameters,
                trainable,
                flops,
                activationBytes = bytes,
                layers = rows.Select(row => new
                {
                    name = row.Name,
                    kind = row.Kind,
                    output = row.OutputShape.Sizes,
                    parameters = row.Parameters,
                    trainable = row.Trainable,
                    flops = row.Flops,
                    activationBytes = (long)row.OutputShape.Length * sizeof(float),
                }),
            });
            return Task.FromResult(0);
        }
        var table = new Table().Border(TableBorder.Simple);
        foreach (var name in new[] { "layer", "kind", "output" }) table.AddColumn(new TableColumn(name).NoWrap());
        foreach (var name in new[] { "parameters", "trainable", "MFLOP", "KiB" })
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        foreach (var row in rows)
        {
            table.AddRow(new Text(row.Name), new Text(row.Kind), new Text(row.OutputShape.ToString()), new Text($"{row.Parameters:N0}"),
                new Text($"{row.Trainable:N0}"), new Text($"{row.Flops / 1e6:N1}"),
                    new Text($"{row.OutputShape.Length * sizeof(float) / 1024.0:N1}"));
        }
        terminal.WriteTable(table, 6, 4, 1);
        terminal.Results.WriteLine($"{parameters:N0} parameters, {trainable:N0} of them trainable; for one image {flops / 1e6:N1} million "
            + $"multiplications and additions, {bytes / 1048576.0:N1} MiB of activations");
        return Task.FromResult(0);
    }

    private static Sequential Describe(string run) => Checkpoint.Read(RunFolder.BestPath(run)).Describe();
}
