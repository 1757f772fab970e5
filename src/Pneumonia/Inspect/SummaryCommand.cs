using System.CommandLine;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Inspect;

internal sealed class SummaryCommand : Command
{
    private const int DefaultPixels = 150, MostPixels = 4096;

    private readonly Option<ModelKind?> model = CheckedOption.Choice<ModelKind>("--model", "network (compact)");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of its images (150)", 1, MostPixels);
    private readonly Option<string?> run = SharedOption.Run("the network of a run folder, instead of --model");
    private readonly Option<bool> measure = CheckedOption.Flag("--measure", "time every layer and compare it with what the device can do");
    private readonly Option<int?> batch = CheckedOption.Whole("--batch", "with --measure: images to a batch (8; 1 on a slow device)", 1, 100_000);
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<string?> picture = CheckedOption.Text("--out", "FILE", "with --measure: a picture of the roofline, .svg", "a file name");
    private readonly Option<bool> json = SharedOption.Json();

    public SummaryCommand(Terminal terminal) : base("summary", "list a network's layers, shapes, parameters and costs")
    {
        foreach (Option option in new Option[] { model, pixels, run, measure, batch, device, picture, json }) Add(option);
        SetAction((result, cancellation) => NetworkSummary.RunAsync(Read(result), terminal, cancellation));
    }

    private SummarySettings Read(ParseResult result)
    {
        string? folder = result.GetValue(run);
        ModelKind? kind = result.GetValue(model);
        if (folder is not null && (kind is not null || result.GetValue(pixels) is not null))
            throw new UserError("summary: --run has its own model and size; leave --model and --pixels out");
        return new SummarySettings(folder is null ? kind ?? ModelKind.Compact : null, result.GetValue(pixels) ?? DefaultPixels, folder,
            Measurement(result), result.GetValue(json));
    }

    private MeasureSettings? Measurement(ParseResult result)
    {
        if (!result.GetValue(measure))
        {
            if (new Option[] { batch, device, picture }.FirstOrDefault(option => result.GetResult(option) is not null) is { } needless)
                throw new UserError($"{needless.Name}: belongs to a measurement; add --measure, or leave it out");
            return null;
        }
        string? file = result.GetValue(picture);
        if (file is not null && !file.EndsWith(".svg", StringComparison.OrdinalIgnoreCase))
            throw new UserError($"--out {file}: the picture is an SVG; give a name that ends in .svg");
        return new MeasureSettings(result.GetValue(batch), result.GetValue(device) ?? SharedOption.DefaultDevice, file);
    }
}
