using System.CommandLine;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Commands;

internal sealed class PredictCommand : Command
{
    private const int MostPixels = 4096;

    private readonly Argument<string[]> paths = new("IMAGE|FOLDER")
    {
        Description = "images, or folders of images",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> run = SharedOption.Run("run folder whose best checkpoint answers");
    private readonly Option<string?> weights = CheckedOption.Text("--weights", "FILE", "weight file of a whole model, instead of --run", "a file");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of its images, where the file does not say (what its tensors allow)", 1, MostPixels);
    private readonly Option<Preprocessing?> preprocessing = CheckedOption.Choice<Preprocessing>("--preprocessing",
        "what becomes of a byte, where the file does not say (rescale)");
    private readonly Option<string?> csv = CheckedOption.Text("--csv", "FILE", "also write the answers to a CSV file", "a file");
    private readonly Option<int?> copies = SharedOption.TestTimeAugmentation();
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<bool> json = SharedOption.Json();

    public PredictCommand(Terminal terminal) : base("predict", "tell class and probability of images; not for clinical use")
    {
        Add(paths);
        foreach (Option option in new Option[] { run, weights, pixels, preprocessing, csv, copies, device, seed, json }) Add(option);
        SetAction((result, cancellation) => Prediction.RunAsync(Read(result), terminal, cancellation));
    }

    private PredictSettings Read(ParseResult result)
    {
        string[] images = result.GetValue(paths) ?? [];
        // The parser takes an unknown option for one more image.
        if (images.FirstOrDefault(path => path.StartsWith("--", StringComparison.Ordinal)) is { } option)
            throw new UserError(Suggestion.UnknownOption(option, this));
        string? runFolder = result.GetValue(run), weightFile = result.GetValue(weights);
        if (runFolder is null && weightFile is null) throw new UserError("predict: no model; give --run DIR or --weights FILE");
        if (runFolder is not null && weightFile is not null) throw new UserError("predict: two models; give either --run or --weights");
        if (runFolder is not null && (result.GetValue(pixels) is not null || result.GetValue(preprocessing) is not null))
            throw new UserError("predict: a run has its own size and preprocessing; leave --pixels and --preprocessing out");
        if (images.Length == 0) throw new UserError("predict: no images; name images or folders of images");
        foreach (string path in images)
            if (!File.Exists(path) && !Directory.Exists(path)) throw new UserError($"{path}: no such image or folder");
        return new PredictSettings(runFolder, weightFile, result.GetValue(pixels), result.GetValue(preprocessing), images, result.GetValue(csv),
            result.GetValue(copies) ?? 1, result.GetValue(seed) ?? SharedOption.DefaultSeed,
            result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json));
    }
}
