using System.CommandLine;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Commands;

/// <summary>What a command needs to know to ask a trained model about images: the model, and the images.</summary>
internal sealed class ModelOptions
{
    private const int MostPixels = 4096;

    private readonly string command;

    private readonly Argument<string[]> paths = new("IMAGE|FOLDER")
    {
        Description = "images, or folders of images",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> run = SharedOption.Run("run folder whose best checkpoint answers");
    private readonly Option<string?> weights = CheckedOption.Text("--weights", "FILE", "weight file of a whole model, instead of --run (the network that comes with the program)", "a file");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of its images, where the file does not say (what its tensors allow)", 1, MostPixels);
    private readonly Option<Preprocessing?> preprocessing = CheckedOption.Choice<Preprocessing>("--preprocessing",
        "what becomes of a byte, where the file does not say (rescale; published weights their own)");

    /// <summary>Adds the options to a command.</summary>
    public ModelOptions(Command command)
    {
        this.command = command.Name;
        command.Add(paths);
        foreach (Option option in new Option[] { run, weights, pixels, preprocessing }) command.Add(option);
    }

    /// <summary>The model and the images that were named.</summary>
    /// <exception cref="UserError">There is no model, more than one, or an image is missing.</exception>
    public (ModelSource Model, IReadOnlyList<string> Paths) Read(ParseResult result)
    {
        string[] images = result.GetValue(paths) ?? [];
        // The parser takes an unknown option for one more image.
        if (images.FirstOrDefault(path => path.StartsWith("--", StringComparison.Ordinal)) is { } option)
            throw new UserError(Suggestion.UnknownOption(option, result.CommandResult.Command));
        string? runFolder = result.GetValue(run), weightFile = result.GetValue(weights);
        if (runFolder is not null && weightFile is not null) throw new UserError($"{command}: two models; give either --run or --weights");
        if (runFolder is not null && (result.GetValue(pixels) is not null || result.GetValue(preprocessing) is not null))
            throw new UserError($"{command}: a run has its own size and preprocessing; leave --pixels and --preprocessing out");
        if (images.Length == 0) throw new UserError($"{command}: no images; name images or folders of images");
        foreach (string path in images)
            if (!File.Exists(path) && !Directory.Exists(path)) throw new UserError($"{path}: no such image or folder");
        if (runFolder is null) weightFile ??= RecommendedModel.Path;
        return (new ModelSource(runFolder, weightFile, result.GetValue(pixels), result.GetValue(preprocessing)), images);
    }
}
