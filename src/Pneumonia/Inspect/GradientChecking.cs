using System.Globalization;
using Convolve.Engine.Randomness;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;
using Convolve.Layers.Reference;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Inspect;

/// <summary>Settings of <c>gradcheck</c>.</summary>
public sealed record GradientCheckingSettings : ICheckedSettings
{
    /// <summary>Network to build with random weights; null for a run's or the default one.</summary>
    [Choice<ModelKind>("network with random weights (compact)")]
    public ModelKind? Model { get; init; }

    /// <summary>Run folder whose best weights are used, or null.</summary>
    [Run("the network and weights of a run folder, instead of --model")]
    public string? Run { get; init; }

    /// <summary>Images to compute the loss of; null for synthetic ones.</summary>
    [Data("images to compute the loss of (synthetic ones)")]
    public string? Data { get; init; }

    /// <summary>Width and height of the model's images; null for a size that makes a quick check.</summary>
    [Pixels("width and height of the model's images (32, cnn 46)")]
    public int? Pixels { get; init; }

    /// <summary>Images.</summary>
    [Whole("images (2)", 1, 1000)]
    public int Batch { get; init; } = 2;

    /// <summary>Elements of each parameter.</summary>
    [Whole("elements of each parameter, half of them with the largest gradients (6)", 1, 1_000_000)]
    public int Elements { get; init; } = 6;

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Seed]
    public int Seed { get; init; } = 1;

    [Json]
    public bool Json { get; init; }

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command) => ModelChoice.RequireNone(command, Run, Model, Pixels);
}

/// <summary>Compares the device's gradients of a network on real images with numerical ones.</summary>
public static class GradientChecking
{
    // Enough for every network unless its smallest images are larger; with fewer pixels, the last batch normalization would have too few
    // values.
    private const int QuickPixels = 32;

    // Biases start at zero, where the ReLU of a black pixel is exactly at its kink.
    private const float LargestFirstBias = 0.05f;

    /// <returns>0 if every gradient agrees, 1 otherwise.</returns>
    public static Task<int> RunAsync(GradientCheckingSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var opened = OpenDevice.For(settings.Device);
        using var model = settings.Run is { } run ? TrainedModel.Load(RunFolder.BestPath(run), opened.Device) : Untrained(settings, opened);
        var network = model.Network;
        var samples = Samples(settings, model, cancellation);
        int[] usable = [.. EpochOrder.Shuffled(samples.Count, (uint)settings.Seed, 1).Where(samples.IsUsable).Take(settings.Batch)];
        if (usable.Length == 0) throw new UserError($"{settings.Data}: not one image can be read; the first: {samples.Warnings[0]}");
        opened.Announce(terminal);
        if (settings.Data is null) terminal.Note("synthetic images: give --data DIR for your own");
        if (usable.Length < settings.Batch) terminal.Note($"only {usable.Length} of {settings.Batch} images are there");
        if (network.Parameters.Any(parameter => parameter.L1 != 0 || parameter.L2 != 0))
            terminal.Note("penalties are left out: they are not part of the backward pass; the optimizer's update adds λ₁·sign(w) + 2λ₂·w");
        var frozen = network.Parameters.Count(parameter => !parameter.Trainable && !parameter.IsStatistic);
        if (frozen > 0) terminal.Note($"{frozen} frozen parameters have no gradient and are left out");
        var rows = GradientCheck.Run(network, samples, usable,
            new TrainingOptions { BatchSize = usable.Length, Scaling = model.Input.Scaling },
            new GradientCheckOptions(settings.Elements, (uint)settings.Seed), cancellation: cancellation);
        Write(settings, usable.Length, rows, terminal);
        return Task.FromResult(Conclude(rows, terminal));
    }

    /// <summary>The exit code, after one line on what is wrong or could not be checked.</summary>
    internal static int Conclude(IReadOnlyList<CheckedGradient> rows, Terminal terminal)
    {
        CheckedGradient[] wrong = [.. rows.Where(row => row.Verdict == GradientVerdict.Wrong)];
        CheckedGradient[] skipped = [.. rows.Where(row => row.Verdict == GradientVerdict.Unchecked)];
        if (skipped.Length > 0)
            terminal.Warn($"{string.Join(", ", skipped.Select(row => row.Name))}: not checked, every step led over a kink; try another "
                + "--seed, or more --elements");
        if (wrong.Length == 0) return ExitCode.Done;
        var worst = wrong.MaxBy(row => row.Error)!;
        terminal.Error($"gradcheck: {wrong.Length} of {rows.Count} gradients are wrong, {worst.Name} the most: element {worst.Worst} is "
            + $"{Text(worst.Analytic)} where the difference is {Text(worst.Numeric)}");
        return ExitCode.Fault;
    }

    private static TrainedModel Untrained(GradientCheckingSettings settings, OpenDevice opened)
    {
        var kind = settings.Model ?? ModelKind.Compact;
        var pixels = settings.Pixels ?? Math.Max(QuickPixels, ModelChoice.SmallestPixels(kind, samePadding: false));
        var classes = settings.Data is { } data ? PositiveClass.Second(ImageFolder.Open(data).Classes) : SyntheticXrays.Classes;
        var network = ModelChoice.Build(kind, pixels, classes.Count).Initialize(opened.Device, (uint)settings.Seed);
        foreach (var parameter in network.Parameters.Where(parameter => parameter.Trainable)) MoveFromZero(parameter, settings.Seed);
        return new TrainedModel(network, classes, new ImagePreprocessing(pixels, network.InputShape[2]), LabelScheme.Folders);
    }

    private static void MoveFromZero(Parameter parameter, int seed)
    {
        var values = parameter.Value.ToArray();
        if (values.Any(value => value != 0)) return;
        var random = new RandomStream(seed, parameter.Name);
        for (var i = 0; i < values.Length; i++) values[i] = (float)random.Uniform((ulong)i, -LargestFirstBias, LargestFirstBias);
        parameter.Value.CopyFrom(values);
    }

    private static ImageStore Samples(GradientCheckingSettings settings, TrainedModel model, CancellationToken cancellation)
    {
        if (settings.Data is null)
        {
            if (!model.Classes.ToHashSet().SetEquals(SyntheticXrays.Classes))
                throw new UserError(
                    $"gradcheck: the model knows {string.Join(", ", model.Classes)}; give --data DIR with images of these classes");
            return SyntheticXrays.Store(settings.Seed, ImagePart.Train, settings.Batch, model.Input, model.Classes,
                cancellation: cancellation);
        }
        var folder = ImageFolder.OpenFor(settings.Data, model.Classes, model.Labels);
        var order = EpochOrder.Shuffled(folder.Files.Count, (uint)settings.Seed, 0);
        // More than needed, since some may be unreadable; only the needed ones are waited for.
        ImageFile[] files = [.. order.Select(i => folder.Files[i]).Take(4 * settings.Batch)];
        return ImageStore.Decode(files, model.Classes, model.Input, cancellation: cancellation);
    }

    private static void Write(GradientCheckingSettings settings, int images, IReadOnlyList<CheckedGradient> rows, Terminal terminal)
    {
        if (settings.Json)
        {
            terminal.WriteJson(new
            {
                synthetic = settings.Data is null,
                images,
                tolerance = GradientCheck.Tolerance,
                passed = rows.All(row => row.Verdict != GradientVerdict.Wrong),
                parameters = rows.Select(row => new
                {
                    name = row.Name,
                    shape = row.Shape.Sizes,
                    compared = row.Compared,
                    skipped = row.Skipped,
                    worst = row.Compared == 0 ? null
                        : new { element = row.Worst, analytic = row.Analytic, numeric = row.Numeric, error = row.Error },
                    verdict = row.Verdict.ToString().ToLowerInvariant(),
                }),
            });
            return;
        }
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn(new TableColumn("parameter").NoWrap());
        foreach (var name in new[] { "kinks", "worst", "analytic", "numeric", "error" })
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        table.AddColumn(new TableColumn("verdict").NoWrap());
        foreach (var row in rows)
        {
            var none = row.Compared == 0;
            table.AddRow(new Text(row.Name), new Text($"{row.Skipped}"), new Text(none ? "–" : $"{row.Worst}"),
                new Text(none ? "–" : Text(row.Analytic)), new Text(none ? "–" : Text(row.Numeric)),
                new Text(none ? "–" : row.Error.ToString("0.0E+0", CultureInfo.InvariantCulture)),
                new Text(row.Verdict.ToString().ToLowerInvariant()));
        }
        terminal.WriteTable(table, 2, 1);
        var right = rows.Count(row => row.Verdict == GradientVerdict.Right);
        terminal.Results.WriteLine($"{right} of {rows.Count} gradients agree with central differences in double precision, "
            + $"{rows.Sum(row => row.Compared)} elements "
            + $"on {images} images, to {GradientCheck.Tolerance.ToString("0E+0", CultureInfo.InvariantCulture)}; "
            + $"{rows.Sum(row => row.Skipped)} passed over at kinks");
    }

    private static string Text(double value) => value.ToString("0.00E+0", CultureInfo.InvariantCulture);
}
