using System.CommandLine;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Inspect;

internal sealed class GradcheckCommand : Command
{
    private const int DefaultBatch = 2, DefaultElements = 6, MostPixels = 4096;

    private readonly Option<ModelKind?> model = CheckedOption.Choice<ModelKind>("--model", "network with random weights (compact)");
    private readonly Option<string?> run = SharedOption.Run("the network and weights of a run folder, instead of --model");
    private readonly Option<string?> data = SharedOption.Data("images to compute the loss of (synthetic ones)");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of the model's images (32, cnn 46)", 1, MostPixels);
    private readonly Option<int?> batch = CheckedOption.Whole("--batch", "images (2)", 1, 1000);
    private readonly Option<int?> elements = CheckedOption.Whole("--elements", "elements of each parameter, half of them with the largest gradients (6)", 1, 1_000_000);
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public GradcheckCommand(Terminal terminal)
        : base("gradcheck", "hold a network's gradients against numerical ones in double precision; exit code 1 where one is wrong")
    {
        foreach (Option option in new Option[] { model, run, data, pixels, batch, elements, device, seed, json }) Add(option);
        SetAction((result, cancellation) => GradientChecking.RunAsync(Read(result), terminal, cancellation));
    }

    private GradientCheckingSettings Read(ParseResult result)
    {
        string? folder = result.GetValue(run);
        ModelKind? kind = result.GetValue(model);
        if (folder is not null && (kind is not null || result.GetValue(pixels) is not null))
            throw new UserError("gradcheck: --run has its own model and size; leave --model and --pixels out");
        return new GradientCheckingSettings(folder is null ? kind ?? ModelKind.Compact : null, folder, result.GetValue(data), result.GetValue(pixels),
            result.GetValue(batch) ?? DefaultBatch, result.GetValue(elements) ?? DefaultElements,
            result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(seed) ?? SharedOption.DefaultSeed, result.GetValue(json));
    }
}
