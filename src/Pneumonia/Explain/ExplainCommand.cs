using System.CommandLine;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Predict;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Explain;

internal sealed class ExplainCommand : Command
{
    private readonly ImageArguments images;
    private readonly ModelOptions model;
    private readonly Option<string?> output = CheckedOption.Text("--out", "DIR", "folder to write (explain-TIMESTAMP in the run's folder)", "a folder");
    private readonly Option<string?> layer = CheckedOption.Text("--layer", "NAME", "layer whose output Grad-CAM and HiResCAM look at (the last of at least 12 by 12 units)", "a layer's name; summary lists them");
    private readonly Option<string?> explained = CheckedOption.Text("--class", "NAME", "class to explain (the one that the network calls the image)", "a class of the model");
    private readonly Option<bool> all = CheckedOption.Flag("--all", "every channel of every layer, and all values on the page, however large it gets");
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public ExplainCommand(Terminal terminal)
        : base("explain", "show what a network does with images: activations, Grad-CAM, HiResCAM, occlusion, and the arithmetic behind every number")
    {
        images = new ImageArguments(this);
        model = new ModelOptions(this, "run folder whose best checkpoint is explained");
        foreach (Option option in new Option[] { output, layer, explained, all, device, seed, json }) Add(option);
        SetAction((result, cancellation) => Explaining.RunAsync(Read(result), terminal, cancellation));
    }

    private ExplainSettings Read(ParseResult result) => new(
        model.Read(result), images.Read(result), result.GetValue(output), result.GetValue(layer), result.GetValue(explained), result.GetValue(all),
        result.GetValue(seed) ?? SharedOption.DefaultSeed, result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json));
}
