using System.Security.Cryptography;
using System.Text;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// <c>images.csv</c> of a run folder: which image stood in which part, by its name and by its content, so that images which the network was
/// trained on are known again wherever they lie.
/// </summary>
public static class ImagesFile
{
    public const string FileName = "images.csv";

    /// <summary>Writes part, class, path below the data folder, and SHA-256 of the file, a row for each image that can be read.</summary>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string runFolder, IEnumerable<(ImagePart Part, ImageFile File)> images)
    {
        var text = new StringBuilder("part,class,path,sha256\n");
        foreach (var (part, image) in images)
            if (HashOf(image) is { } hash)
                text.Append($"{part.ToString().ToLowerInvariant()},{CsvText.Field(image.Class)},{CsvText.Field(image.RelativePath)},{hash}\n");
        OutputFile.WriteText(Path.Combine(runFolder, FileName), text.ToString());
    }

    /// <summary>How many of some images stood in a run's training part, and how many in its validation part; none where the run does not say.</summary>
    /// <exception cref="UserError">The run's file is broken.</exception>
    public static (int Train, int Val) CountKnown(string runFolder, IEnumerable<ImageFile> images)
    {
        string path = Path.Combine(runFolder, FileName);
        if (!File.Exists(path)) return (0, 0);
        var parts = new Dictionary<string, ImagePart>(StringComparer.Ordinal);
        try
        {
            foreach (string[] row in CsvText.Records(File.ReadAllText(path)).Skip(1))
                parts[row is [_, _, _, var hash] ? hash : throw new FormatException("a row is not of part, class, path and SHA-256")] = Enum.Parse<ImagePart>(row[0], ignoreCase: true);
        }
        catch (Exception e) when (e is FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new UserError($"{path}: cannot be read: {e.Message}; remove the file, or train the run again", e);
        }
        ImagePart?[] found = [.. images.Select(image => HashOf(image) is { } hash && parts.TryGetValue(hash, out ImagePart part) ? part : (ImagePart?)null)];
        return (found.Count(part => part == ImagePart.Train), found.Count(part => part == ImagePart.Val));
    }

    private static string? HashOf(ImageFile image)
    {
        try
        {
            using FileStream stream = File.OpenRead(image.Path);
            return Convert.ToHexStringLower(SHA256.HashData(stream));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
