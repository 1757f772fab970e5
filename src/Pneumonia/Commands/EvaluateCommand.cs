using System.CommandLine;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Commands;

internal sealed class EvaluateCommand : Command
{
    private readonly Option<string?> run = SharedOption.Run("run folder whose best checkpoint is scored");
    private readonly Option<string?> data = SharedOption.Data("images to score, {train,val,test}/CLASS/* or CLASS/*");
    private readonly Option<ImagePart?> part = CheckedOption.Choice<ImagePart>("--part", "part of a tree to score (test)");
    private readonly Option<int?> copies = SharedOption.TestTimeAugmentation();
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public EvaluateCommand(Terminal terminal) : base("evaluate", "score a run's best checkpoint on a folder")
    {
        foreach (Option option in new Option[] { run, data, part, copies, device, seed, json }) Add(option);
        SetAction((result, cancellation) => Evaluation.RunAsync(Read(result), terminal, cancellation));
    }

    private EvaluateSettings Read(ParseResult result) => new(
        result.GetValue(run) ?? throw new UserError("evaluate: which run? give its folder with --run DIR"),
        result.GetValue(data) ?? throw new UserError("evaluate: which images? give their folder with --data DIR"),
        result.GetValue(part) ?? ImagePart.Test, result.GetValue(copies) ?? 1,
        result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(seed) ?? SharedOption.DefaultSeed, result.GetValue(json));
}
