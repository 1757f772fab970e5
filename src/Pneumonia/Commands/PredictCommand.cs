using System.CommandLine;
using Convolve.Pneumonia.Actions;

namespace Convolve.Pneumonia.Commands;

internal sealed class PredictCommand : Command
{
    private readonly ModelOptions model;
    private readonly Option<string?> csv = CheckedOption.Text("--csv", "FILE", "also write the answers to a CSV file", "a file");
    private readonly Option<int?> copies = SharedOption.TestTimeAugmentation();
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public PredictCommand(Terminal terminal) : base("predict", "tell class and probability of images; not for clinical use")
    {
        model = new ModelOptions(this);
        foreach (Option option in new Option[] { csv, copies, device, seed, json }) Add(option);
        SetAction((result, cancellation) => Prediction.RunAsync(Read(result), terminal, cancellation));
    }

    private PredictSettings Read(ParseResult result)
    {
        (ModelSource source, IReadOnlyList<string> paths) = model.Read(result);
        return new PredictSettings(source, paths, result.GetValue(csv), result.GetValue(copies) ?? 1, result.GetValue(seed) ?? SharedOption.DefaultSeed,
            result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json));
    }
}
