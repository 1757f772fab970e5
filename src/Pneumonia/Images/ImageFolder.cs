using System.Text.RegularExpressions;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// The images below a data folder, as a tree <c>{train,val,test}/CLASS/*</c> (<c>validation</c> is also val) or flat as
/// <c>CLASS/*</c>. Classes are the names of the folders in ordinal order; .jpg, .jpeg and .png count in any case. Names that
/// begin with a dot or with <c>__</c> (left by other systems) are not looked at.
/// </summary>
public sealed partial class ImageFolder
{
    public const string Normal = "NORMAL";
    public const string Pneumonia = "PNEUMONIA";

    private static readonly string[] threeClasses = ["BACTERIAL", Normal, "VIRAL"];

    private ImageFolder(string root, IReadOnlyList<string> classes, IReadOnlyList<ImageFile> files, bool hasParts)
    {
        Root = root;
        Classes = classes;
        Files = files;
        HasParts = hasParts;
    }

    /// <summary>The folder that was opened.</summary>
    public string Root { get; }

    /// <summary>Names of the classes, in ordinal order.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>All images, ordered by relative path (ordinal), whatever order the file system lists them in.</summary>
    public IReadOnlyList<ImageFile> Files { get; }

    /// <summary>True for a tree with parts, false for a flat folder.</summary>
    public bool HasParts { get; }

    /// <summary>Opens a folder to learn from: at least two classes, and each of them in the training part.</summary>
    /// <exception cref="UserError">The folder is missing, holds no images, one class only, an empty class or another layout.</exception>
    public static ImageFolder Open(string directory, LabelScheme labels = LabelScheme.Folders)
    {
        ImageFolder folder = Find(directory, labels);
        if (folder.Classes.Count < 2)
        {
            throw new UserError(
                $"{directory}: only one class, {folder.Classes[0]}; a classifier needs two: {ExpectedLayout(directory)}");
        }
        if (folder.HasParts && folder.Files.Any(file => file.Part == ImagePart.Train))
        {
            foreach (string name in folder.Classes)
            {
                if (!folder.Files.Any(file => file.Part == ImagePart.Train && file.Class == name))
                    throw new UserError($"{directory}: class {name} has no images in train; add some, or remove the class from the other parts");
            }
        }
        return folder;
    }

    /// <summary>Opens a folder whose images a trained model with known classes is to score; one class may be missing.</summary>
    /// <exception cref="UserError">As for <see cref="Open"/>, or the folder has a class that the model does not know.</exception>
    public static ImageFolder OpenFor(string directory, IReadOnlyList<string> classes, LabelScheme labels = LabelScheme.Folders) =>
        Find(directory, labels).For(classes);

    /// <summary>The same images for a trained model with known classes, of which one may be missing.</summary>
    /// <exception cref="UserError">The folder has a class that the model does not know.</exception>
    public ImageFolder For(IReadOnlyList<string> classes)
    {
        foreach (string name in Classes)
        {
            if (!classes.Contains(name))
                throw new UserError($"{Root}: class {name} is unknown to the model; it knows {string.Join(", ", classes)}");
        }
        return new ImageFolder(Root, classes, Files, HasParts);
    }

    /// <summary>Opens a folder to look at it, with any number of classes.</summary>
    /// <exception cref="UserError">The folder is missing, holds no images, an empty class or another layout.</exception>
    public static ImageFolder Find(string directory, LabelScheme labels = LabelScheme.Folders)
    {
        if (File.Exists(directory)) throw new UserError($"{directory}: is a file; --data needs a folder of images");
        if (!Directory.Exists(directory)) throw new UserError($"{directory}: no such folder; --data needs a folder of images");
        try
        {
            return Discover(directory, labels);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new UserError($"{directory}: cannot be listed: {e.Message}", e);
        }
    }

    private static ImageFolder Discover(string directory, LabelScheme labels)
    {
        IReadOnlyDictionary<string, ManifestRow> manifest = Manifest.Read(directory);
        string[] folders = SubFolders(directory);
        var parts = new List<(string Name, ImagePart Part)>();
        foreach (string name in folders)
            if (PartOf(name) is { } part) parts.Add((name, part));
        foreach (var same in parts.GroupBy(entry => entry.Part).Where(group => group.Count() > 1))
            throw new UserError($"{directory}: {string.Join(" and ", same.Select(entry => entry.Name))} are the same part; keep one of them");

        var files = new List<ImageFile>();
        if (parts.Count > 0)
        {
            foreach ((string name, ImagePart part) in parts)
            {
                // As good as none: a tenth of train takes its place.
                if (part == ImagePart.Val && !SubFolders(Path.Combine(directory, name)).Any(inner => Images(Path.Combine(directory, name, inner)).Any())) continue;
                int before = files.Count;
                AddClasses(files, directory, name + "/", part, SubFolders(Path.Combine(directory, name)), labels, manifest);
                if (files.Count == before)
                    throw new UserError($"{Path.Combine(directory, name)}: no class folders with images; {ExpectedLayout(directory)}");
            }
        }
        else
        {
            AddClasses(files, directory, "", null, folders, labels, manifest);
        }
        if (files.Count == 0)
        {
            string looseImages = Images(directory).Any() ? "images lie directly in it, without class folders; " : "";
            throw new UserError($"{directory}: no images found; {looseImages}{ExpectedLayout(directory)}");
        }
        files.Sort((a, b) => string.CompareOrdinal(a.RelativePath, b.RelativePath));
        if (manifest.Count > 0 && !files.Any(file => manifest.ContainsKey(file.RelativePath)))
            throw new UserError($"{Path.Combine(directory, Manifest.FileName)}: not one of its {manifest.Count} paths is an image of {directory}, whose first is "
                + $"{files[0].RelativePath}; write paths as this one, or remove the file");
        string[] classes = [.. files.Select(file => file.Class).Distinct().Order(StringComparer.Ordinal)];
        return new ImageFolder(directory, classes, files, parts.Count > 0);
    }

    private static void AddClasses(List<ImageFile> files, string root, string prefix, ImagePart? part, string[] classFolders,
        LabelScheme labels, IReadOnlyDictionary<string, ManifestRow> manifest)
    {
        foreach (string folder in classFolders)
        {
            string path = Path.Combine(root, prefix + folder);
            bool any = false;
            foreach (string file in Images(path))
            {
                any = true;
                string relative = $"{prefix}{folder}/{Path.GetFileName(file)}";
                ManifestRow? row = manifest.GetValueOrDefault(relative);
                string patient = row?.Patient is { Length: > 0 } known ? known : PatientName.Of(Path.GetFileName(file)) ?? relative;
                string label = labels == LabelScheme.Three ? ThreeClass(path, folder, file, row) : folder;
                files.Add(new ImageFile(file, relative, label, patient, part, row?.DuplicateGroup));
            }
            if (any) continue;
            if (SubFolders(path).Any(inner => PartOf(inner) is not null))
                throw new UserError($"{root}: no images, but {path} looks like a data folder; give that one to --data");
            throw new UserError($"{path}: class folder without images; put .jpg, .jpeg or .png files directly into it, or remove it");
        }
    }

    private static string ThreeClass(string folderPath, string folder, string file, ManifestRow? row)
    {
        string upper = folder.ToUpperInvariant();
        if (threeClasses.Contains(upper)) return upper;
        Match kind = Kind().Match(Path.GetFileName(file));
        string subtype = kind.Success ? kind.Groups[1].Value : row?.Subtype ?? "";
        return subtype.ToLowerInvariant() switch
        {
            "bacteria" => "BACTERIAL",
            "virus" => "VIRAL",
            _ => throw new UserError(
                $"{Path.Combine(folderPath, Path.GetFileName(file))}: --labels three cannot tell bacteria from virus by this name; "
                + "expected personN_bacteria_M or personN_virus_M, or a folder NORMAL"),
        };
    }

    private static ImagePart? PartOf(string folder) => folder.ToLowerInvariant() switch
    {
        "train" => ImagePart.Train,
        "val" or "validation" => ImagePart.Val,
        "test" => ImagePart.Test,
        _ => null,
    };

    private static string[] SubFolders(string directory) =>
        [.. Directory.EnumerateDirectories(directory).Select(path => Path.GetFileName(path)).Where(IsVisible).Order(StringComparer.Ordinal)];

    private static IEnumerable<string> Images(string directory) => Directory.EnumerateFiles(directory).Where(IsImage);

    /// <summary>Whether a path names an image by its extension: .jpg, .jpeg or .png in any case.</summary>
    public static bool IsImage(string path) => IsVisible(Path.GetFileName(path))
        && ImageFormats.IsRead(path);

    private static bool IsVisible(string name) => !name.StartsWith('.') && !name.StartsWith("__", StringComparison.Ordinal);

    private static string ExpectedLayout(string directory) =>
        $"expected {Path.Combine(directory, "CLASS")}/*.jpeg or {Path.Combine(directory, "{train,val,test}", "CLASS")}/*.jpeg";

    [GeneratedRegex("person[0-9]+_(bacteria|virus)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Kind();
}
