using System.Globalization;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Convolution;
using Convolve.Layers.Measurement;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Inspect;

/// <summary>Times a network layer by layer and compares it with the device's roofline.</summary>
public static class MeasuredSummary
{
    private const int UsualBatch = 8;

    /// <summary>Measures a network whose parameters are not allocated yet.</summary>
    public static Task<int> RunAsync(Sequential network, SummarySettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var opened = OpenDevice.For(settings.Device ?? DeviceAttribute.Default);
        opened.Announce(terminal);
        var slow = OpenDevice.IsSlow(opened.Device.Description);
        var batch = settings.Batch ?? (slow ? 1 : UsualBatch);
        terminal.Note("measuring: nothing else should be running on this machine");
        var roofline = Roofline.Measure(opened.Device);
        // Their values do not affect the time.
        network.Initialize(opened.Device, 0);
        var layers = LayerMeasurement.Of(network, batch, roofline, slow ? 1 : 5, cancellation);
        if (settings.Out is { } path)
            OutputFile.WriteText(path, new RooflineChart(opened.Choice.Device.ToString(), roofline, layers).ToFile());
        if (settings.Json) WriteJson(opened, batch, roofline, layers, terminal);
        else Write(batch, roofline, layers, settings.Out, terminal);
        return Task.FromResult(0);
    }

    private static void WriteJson(OpenDevice opened, int batch, Roofline roofline, IReadOnlyList<MeasuredLayer> layers,
        Terminal terminal) =>
        terminal.WriteJson(new
        {
            device = opened.Choice.Device.ToString(),
            batch,
            peakGflops = roofline.Gigaflops,
            gigabytesPerSecond = roofline.GigabytesPerSecond,
            layers = layers.Select(layer => new
            {
                name = layer.Name,
                kind = layer.Kind,
                output = layer.OutputShape.Sizes,
                forward = Figures(layer.Forward),
                backward = Figures(layer.Backward),
                algorithms = layer.Algorithms.ToDictionary(pair => NameOf(pair.Key), pair => NameOf(pair.Value)),
            }),
        });

    private static object Figures(MeasuredPass pass) => new
    {
        flops = pass.Flops,
        bytes = pass.Bytes,
        milliseconds = pass.Milliseconds,
        gflops = pass.Gigaflops,
        shareOfRoof = pass.ShareOfRoof,
    };

    private static void Write(int batch, Roofline roofline, IReadOnlyList<MeasuredLayer> layers, string? picture, Terminal terminal)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumn(new TableColumn("").RightAligned().NoWrap());
        table.AddColumn(new TableColumn("layer").NoWrap());
        foreach (var name in new[] { "MFLOP", "MiB", "ms", "roof", "ms back", "roof" })
            table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        table.AddColumn(new TableColumn("algorithm"));
        for (var i = 0; i < layers.Count; i++)
        {
            var layer = layers[i];
            table.AddRow(new Text($"{i + 1}"), new Text(layer.Name), Figure(layer.Forward.Flops / 1e6, "N0"),
                Figure(layer.Forward.Bytes / 1048576, "N1"),
                Figure(layer.Forward.Milliseconds, "N2"), Figure(layer.Forward.ShareOfRoof, "P0"),
                Figure(layer.Backward.Milliseconds, "N2"), Figure(layer.Backward.ShareOfRoof, "P0"), new Text(Algorithms(layer)));
        }
        terminal.WriteTable(table, 8, 3, 2, 0);
        double forward = layers.Sum(layer => layer.Forward.Milliseconds), backward = layers.Sum(layer => layer.Backward.Milliseconds);
        terminal.Results.WriteLine($"{batch} images: {Number(forward, "N1")} ms forward, {Number(backward, "N1")} ms back, the kernels "
            + "of each layer alone in a training pass. Roof: the share of "
            + $"what the device can do, {Number(roofline.Gigaflops, "N0")} GFLOP/s or {Number(roofline.GigabytesPerSecond, "N1")} GB/s as "
            + "measured; "
            + "Winograd multiplies less than the formula, and a cache is faster than memory, so it can pass 100 %.");
        if (picture is not null) terminal.Results.WriteLine($"roofline: {picture}");
    }

    /// <summary>One name if all passes use the same algorithm, else those of forward, input gradient and kernel gradient.</summary>
    private static string Algorithms(MeasuredLayer layer)
    {
        string[] names = [.. layer.Algorithms.OrderBy(pair => pair.Key).Select(pair => NameOf(pair.Value))];
        return string.Join(" ", names.Distinct().Count() == 1 ? names[..1] : names);
    }

    private static string NameOf(ConvolutionAlgorithm algorithm) => algorithm.ToString().ToLowerInvariant();

    private static string NameOf(ConvolutionPass pass) => pass switch
    {
        ConvolutionPass.GradInput => "inputGradient",
        ConvolutionPass.GradKernel => "kernelGradient",
        _ => "forward",
    };

    private static Text Figure(double value, string format) => new(value == 0 ? "" : Number(value, format));

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
