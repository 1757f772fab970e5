using System.Security.Cryptography;
using System.Text;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// Which images there are, with their classes and, where they are divided, their parts: a data folder as <see cref="ImageFolder"/> finds
/// it, divided by <see cref="ImageSplit"/>, or drawn images. Their pixels are in an <see cref="ImageStore"/>.
/// </summary>
/// <param name="Root">The data folder; a name for drawn images.</param>
/// <param name="Classes">Names of the classes: in ordinal order as found, in the model's order after <see cref="For"/>.</param>
/// <param name="Files">The images, ordered by relative path (ordinal), in a divided set part by part.</param>
/// <param name="HasParts">Whether each image belongs to a part.</param>
/// <param name="Notes">What was assumed and what is left out, one line each, for the user to read.</param>
public sealed record ImageSet(
    string Root, IReadOnlyList<string> Classes, IReadOnlyList<ImageFile> Files, bool HasParts, IReadOnlyList<string> Notes)
{
    /// <summary>Of how many images the patient is known, and from what; null for drawn images.</summary>
    public PatientCount? Patients { get; init; }

    /// <summary>Images below the folder that are not among <see cref="Files"/>, by kind; those beyond a limit are not counted.</summary>
    public IReadOnlyList<LeftOut> LeftOut { get; init; } = [];

    /// <summary>How the images were divided, as <c>metrics.json</c> names it; null for a folder as it is.</summary>
    public string? Split { get; init; }

    /// <summary>Images left out of validation and test because their pixels are in an earlier part.</summary>
    public int CopiesAcrossParts { get; init; }

    /// <summary>Training images.</summary>
    public IReadOnlyList<ImageFile> Train => In(ImagePart.Train);

    /// <summary>Validation images.</summary>
    public IReadOnlyList<ImageFile> Val => In(ImagePart.Val);

    /// <summary>Test images; may be empty.</summary>
    public IReadOnlyList<ImageFile> Test => In(ImagePart.Test);

    /// <summary>A short hash of which image is in which part: two divisions agree exactly if their hashes do.</summary>
    public string Fingerprint
    {
        get
        {
            var text = new StringBuilder();
            foreach (var part in new[] { Train, Val, Test })
            {
                foreach (var file in part) text.Append(file.RelativePath).Append('\n');
                text.Append('\n');
            }
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))[..8]);
        }
    }

    /// <summary>The images of one part.</summary>
    public IReadOnlyList<ImageFile> In(ImagePart part) => [.. Files.Where(file => file.Part == part)];

    /// <summary>
    /// The same images for a trained model with known classes, of which one may be missing. They get the model's spelling of their classes.
    /// </summary>
    /// <exception cref="UserError">There is a class that the model does not know.</exception>
    public ImageSet For(IReadOnlyList<string> classes)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in Classes)
        {
            names[name] = ClassName.Among(classes, name)
                ?? throw new UserError($"{Root}: class {name} is not a class of the model; its classes are {string.Join(", ", classes)}");
        }
        string[] others = [.. names.Where(entry => entry.Key != entry.Value).Select(entry => $"{entry.Key} is its {entry.Value}")];
        return this with
        {
            Classes = classes,
            Files = [.. Files.Select(file => file with { Class = names[file.Class] })],
            Notes = others.Length == 0 ? Notes : [.. Notes, $"classes as the model spells them: {string.Join(", ", others)}"],
        };
    }
}
