using System.CommandLine;
using Convolve.Pneumonia.Evaluate;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Predict;

internal sealed class PredictCommand : Command
{
    private readonly ImageArguments images;
    private readonly ModelOptions model;
    private readonly Option<string?> positive = SharedOption.Positive();
    private readonly Option<string?> csv = CheckedOption.Text("--csv", "FILE", "also write the answers to a CSV file", "a file");
    private readonly Option<int?> copies = SharedOption.TestTimeAugmentation();
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public PredictCommand(Terminal terminal) : base("predict", "tell class and probability of images; not for clinical use")
    {
        images = new ImageArguments(this);
        model = new ModelOptions(this, "run folder whose best checkpoint answers");
        foreach (Option option in new Option[] { positive, csv, copies, device, seed, json }) Add(option);
        SetAction((result, cancellation) => Prediction.RunAsync(Read(result), terminal, cancellation));
    }

    private PredictSettings Read(ParseResult result) => new(
        model.Read(result), result.GetValue(positive), images.Read(result), result.GetValue(csv), result.GetValue(copies) ?? 1, result.GetValue(seed) ?? SharedOption.DefaultSeed,
        result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json));
}
