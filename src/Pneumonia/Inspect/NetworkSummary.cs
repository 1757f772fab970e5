using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;
using Spectre.Console;

namespace Convolve.Pneumonia.Inspect;

/// <summary>What <c>summary</c> was asked for; one of <paramref name="Model"/> and <paramref name="Run"/> is given.</summary>
/// <param name="Model">Network to build, or null.</param>
/// <param name="Pixels">Width and height of its images.</param>
/// <param name="Run">Run folder, or null.</param>
/// <param name="Measure">How to measure it; null for what needs no device.</param>
public sealed record SummarySettings(ModelKind? Model, int Pixels, string? Run, MeasureSettings? Measure, bool Json);

/// <summary>Lists a network's layers, shapes and costs.</summary>
public static class NetworkSummary
{
    public static Task<int> RunAsync(SummarySettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using Sequential network = settings.Run is null
            ? ModelChoice.Build(settings.Model!.Value, settings.Pixels, classes: 2)
            : Describe(settings.Run);
        if (settings.Measure is { } measure) return MeasuredSummary.RunAsync(network, measure, settings.Json, terminal, cancellation);
        IReadOnlyList<SummaryRow> rows = network.Summary();
        long parameters = network.ParameterCount, trainable = network.TrainableCount;
        double flops = rows.Sum(row => row.Flops);
        // Activations of one image, as float32.
        long bytes = rows.Sum(row => (long)row.OutputShape.Length) * sizeof(float);
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
        foreach (string name in new[] { "layer", "kind", "output" }) table.AddColumn(new TableColumn(name).NoWrap());
        foreach (string name in new[] { "parameters", "trainable", "MFLOP", "KiB" }) table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        foreach (SummaryRow row in rows)
        {
            table.AddRow(new Text(row.Name), new Text(row.Kind), new Text(row.OutputShape.ToString()), new Text($"{row.Parameters:N0}"),
                new Text($"{row.Trainable:N0}"), new Text($"{row.Flops / 1e6:N1}"), new Text($"{row.OutputShape.Length * sizeof(float) / 1024.0:N1}"));
        }
        terminal.WriteTable(table, 6, 4, 1);
        terminal.Results.WriteLine($"{parameters:N0} parameters, {trainable:N0} of them trainable; for one image {flops / 1e6:N1} million "
            + $"multiplications and additions, {bytes / 1048576.0:N1} MiB of activations");
        return Task.FromResult(0);
    }

    private static Sequential Describe(string run)
    {
        try
        {
            return Checkpoint.Read(RunFolder.BestPath(run)).Describe();
        }
        catch (WeightFileException e)
        {
            throw new UserError(e.Message, e);
        }
    }
}
