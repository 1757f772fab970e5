using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Predict;

/// <summary>The images that a command is asked about, one by one or by their folders.</summary>
internal sealed class ImageArguments
{
    private readonly Argument<string[]> paths = new("IMAGE|FOLDER")
    {
        Description = "images, or folders of images",
        Arity = ArgumentArity.ZeroOrMore,
    };

    /// <summary>Adds them to a command.</summary>
    public ImageArguments(Command command) => command.Add(paths);

    /// <summary>The paths that were named.</summary>
    /// <exception cref="UserError">There are none, or one is missing.</exception>
    public IReadOnlyList<string> Read(ParseResult result)
    {
        string[] images = result.GetValue(paths) ?? [];
        Command command = result.CommandResult.Command;
        // The parser takes an unknown option for one more image.
        if (images.FirstOrDefault(path => path.StartsWith("--", StringComparison.Ordinal)) is { } option)
            throw new UserError(Suggestion.UnknownOption(option, command));
        if (images.Length == 0) throw new UserError($"{command.Name}: no images; name images or folders of images");
        foreach (string path in images)
            if (!File.Exists(path) && !Directory.Exists(path)) throw new UserError($"{path}: no such image or folder");
        return images;
    }
}
