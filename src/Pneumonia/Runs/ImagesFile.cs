using System.Security.Cryptography;
using System.Text;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary>How many of some images a network knows already.</summary>
/// <param name="Train">Those it was trained on.</param>
/// <param name="TrainByName">Others that have the class and the name of one that it was trained on: perhaps the same in another size or
/// format.</param>
/// <param name="Val">Those that chose its epoch and threshold.</param>
public readonly record struct KnownImages(int Train, int TrainByName, int Val);

/// <summary>
/// <c>images.csv</c> of a run folder: which image stood in which part, by its name and by its content, so that images which the network was
/// trained on are known again wherever they lie.
/// </summary>
public static class ImagesFile
{
    public const string FileName = "images.csv";

    // SHA-256 in hexadecimal.
    private const int HashLength = 64;

    /// <summary>
    /// Writes part, class, path below the data folder, and SHA-256 of the file, which is empty where it can no longer be read.
    /// </summary>
    /// <returns>How many can no longer be read.</returns>
    /// <exception cref="UserError">The file cannot be written.</exception>
    public static int Write(string runFolder, IEnumerable<(ImagePart Part, ImageFile File)> images)
    {
        var unread = 0;
        var text = new StringBuilder("part,class,path,sha256\n");
        foreach (var (part, image) in images)
        {
            var hash = HashOf(image);
            if (hash is null) unread++;
            text.Append($"{part.ToString().ToLowerInvariant()},{CsvText.Field(image.Class)},{CsvText.Field(image.RelativePath)},{hash}\n");
        }
        OutputFile.WriteText(Path.Combine(runFolder, FileName), text.ToString());
        return unread;
    }

    /// <summary>How many of some images a model knows; none where there is no such file.</summary>
    /// <param name="path">The <c>images.csv</c> that the model's training wrote.</param>
    /// <param name="images">The images.</param>
    /// <exception cref="UserError">The file is broken.</exception>
    public static KnownImages CountKnown(string path, IEnumerable<ImageFile> images)
    {
        if (!Path.Exists(path)) return default;
        var parts = new Dictionary<string, ImagePart>(StringComparer.Ordinal);
        // A name in several parts, as those that are mere numbers, tells no image from another.
        var partsOfNames = new Dictionary<(string Class, string Name), ImagePart?>();
        try
        {
            var records = CsvText.Records(File.ReadAllText(path));
            if (records is not [["part", "class", "path", "sha256"], ..])
                throw new FormatException("its first row does not name part, class, path and SHA-256");
            foreach (var row in records.Skip(1))
            {
                if (row is not [var partName, var className, var imagePath, { Length: 0 or HashLength } hash])
                    throw new FormatException("a row is not of part, class, path and SHA-256");
                var part = Enum.Parse<ImagePart>(partName, ignoreCase: true);
                if (hash.Length > 0) parts[hash] = part;
                var name = NameOf(className, imagePath);
                partsOfNames[name] = partsOfNames.TryGetValue(name, out var other) && other != part ? null : part;
            }
        }
        catch (Exception e) when (e is FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw UserError.From(e, $"{path}: cannot be read", advice: "remove the file, or train the run again");
        }
        int train = 0, trainByName = 0, val = 0;
        foreach (var image in images)
        {
            if (HashOf(image) is { } hash && parts.TryGetValue(hash, out var part))
            {
                if (part == ImagePart.Train) train++;
                else if (part == ImagePart.Val) val++;
            }
            else if (partsOfNames.GetValueOrDefault(NameOf(image.Class, image.RelativePath)) == ImagePart.Train) trainByName++;
        }
        return new KnownImages(train, trainByName, val);
    }

    // Without the ending, which a conversion changes.
    private static (string Class, string Name) NameOf(string className, string path) => (className, Path.GetFileNameWithoutExtension(path));

    private static string? HashOf(ImageFile image)
    {
        try
        {
            return Convert.ToHexStringLower(SHA256.HashData(ImageBytes.Read(image.Path)));
        }
        catch (UnreadableImage e)
        {
            return e.IsMissing ? null : Convert.ToHexStringLower(SHA256.HashData([]));
        }
    }
}
