using System.CommandLine;
using Convolve.Pneumonia.Actions;

namespace Convolve.Pneumonia.Commands;

internal sealed class SummaryCommand : Command
{
    private const int DefaultPixels = 150, MostPixels = 4096;

    private readonly Option<ModelKind?> model = CheckedOption.Choice<ModelKind>("--model", "network (compact)");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of its images (150)", 1, MostPixels);
    private readonly Option<string?> run = SharedOption.Run("the network of a run folder, instead of --model");
    private readonly Option<bool> json = SharedOption.Json();

    public SummaryCommand(Terminal terminal) : base("summary", "list a network's layers, shapes, parameters and costs")
    {
        foreach (Option option in new Option[] { model, pixels, run, json }) Add(option);
        SetAction((result, cancellation) => NetworkSummary.RunAsync(Read(result), terminal, cancellation));
    }

    private SummarySettings Read(ParseResult result)
    {
        string? folder = result.GetValue(run);
        ModelKind? kind = result.GetValue(model);
        if (folder is not null && (kind is not null || result.GetValue(pixels) is not null))
            throw new UserError("summary: --run has its own model and size; leave --model and --pixels out");
        return new SummarySettings(folder is null ? kind ?? ModelKind.Compact : null, result.GetValue(pixels) ?? DefaultPixels, folder,
            result.GetValue(json));
    }
}
