using System.CommandLine;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Models;

/// <summary>Which trained model a command asks: a run's, a weight file's, or the one that comes with the program.</summary>
internal sealed class ModelOptions
{
    private const int MostPixels = 4096;

    private readonly string command;

    private readonly Option<string?> run;
    private readonly Option<string?> weights = CheckedOption.Text("--weights", "FILE", "weight file of a whole model, instead of --run (the network that comes with the program)", "a file");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of its images, where the file does not say (what its tensors allow)", 1, MostPixels);
    private readonly Option<Preprocessing?> preprocessing = CheckedOption.Choice<Preprocessing>("--preprocessing",
        "what becomes of a byte, where the file does not say (rescale; published weights their own)");
    private readonly Option<IReadOnlyList<string>?> classes = CheckedOption.Names("--classes",
        "names of its classes in the order of its outputs, where the file does not say (evaluate: those of the folders, in the order of their names)");

    /// <summary>Adds the options to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="runDescription">What it does with a run, for its help.</param>
    public ModelOptions(Command command, string runDescription)
    {
        this.command = command.Name;
        run = SharedOption.Run(runDescription);
        foreach (Option option in new Option[] { run, weights, pixels, preprocessing, classes }) command.Add(option);
    }

    /// <summary>The model that was named.</summary>
    /// <exception cref="UserError">There is more than one.</exception>
    public ModelSource Read(ParseResult result)
    {
        string? runFolder = result.GetValue(run), weightFile = result.GetValue(weights);
        if (runFolder is not null && weightFile is not null) throw new UserError($"{command}: two models; give either --run or --weights");
        if (runFolder is not null && (result.GetValue(pixels) is not null || result.GetValue(preprocessing) is not null))
            throw new UserError($"{command}: a run has its own size and preprocessing; leave --pixels and --preprocessing out");
        if (runFolder is null) weightFile ??= RecommendedModel.Path;
        return new ModelSource(runFolder, weightFile, result.GetValue(pixels), result.GetValue(preprocessing), result.GetValue(classes));
    }
}
