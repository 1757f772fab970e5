using System.CommandLine;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Evaluate;

internal sealed class EvaluateCommand : Command
{
    private readonly ModelOptions model;
    private readonly Option<string?> data = SharedOption.Data("images to score, {train,val,test}/CLASS/* or CLASS/*");
    private readonly Option<string?> positive = SharedOption.Positive();
    private readonly Option<ImagePart?> part = CheckedOption.Choice<ImagePart>("--part", "part of a tree to score (test)");
    private readonly Option<int?> limit = SharedOption.Limit("score N of the images, the classes in their proportions (all)");
    private readonly Option<int?> copies = SharedOption.TestTimeAugmentation();
    private readonly Option<bool> stress = CheckedOption.Flag("--stress", "also score the images blurred, sharpened, noisy, lighter, darker and cut: does the network know the illness or the machine?");
    private readonly Option<string?> output = CheckedOption.Text("--out", "DIR", "folder to write: report.html, scores.json, predictions.csv", "a folder");
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public EvaluateCommand(Terminal terminal) : base("evaluate", "score a trained network on a folder")
    {
        model = new ModelOptions(this, "run folder whose best checkpoint is scored");
        foreach (Option option in new Option[] { data, positive, part, limit, copies, stress, output, device, seed, json }) Add(option);
        SetAction((result, cancellation) => Evaluation.RunAsync(Read(result), terminal, cancellation));
    }

    private EvaluateSettings Read(ParseResult result) => new(
        model.Read(result), result.GetValue(positive),
        result.GetValue(data) ?? throw new UserError("evaluate: which images? give their folder with --data DIR"),
        result.GetValue(part) ?? ImagePart.Test, result.GetValue(limit), result.GetValue(copies) ?? 1, result.GetValue(stress), result.GetValue(output),
        result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(seed) ?? SharedOption.DefaultSeed, result.GetValue(json));
}
