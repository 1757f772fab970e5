namespace Convolve.Pneumonia.Images;

/// <summary>
/// The images below a data folder, as a tree <c>{train,val,test}/CLASS/*</c> or flat as <c>CLASS/*</c>: see <see cref="DataLayout"/>.
/// Classes are the names of the folders in ordinal order; names that differ only in case, or in how their letters are composed, are one class.
/// </summary>
public sealed class ImageFolder
{
    public const string Normal = "NORMAL";
    public const string Pneumonia = "PNEUMONIA";

    private static readonly string[] threeClasses = ["BACTERIAL", Normal, "VIRAL"];

    private ImageFolder(
        string root, IReadOnlyList<string> classes, IReadOnlyList<ImageFile> files, DataLayout layout, IReadOnlyList<string> notes)
    {
        Root = root;
        Classes = classes;
        Files = files;
        HasParts = layout.HasParts;
        Layout = layout;
        Patients = PatientCount.Of(files);
        LeftOut = UnusedImage.Counts(layout.Unused);
        Notes = notes;
    }

    /// <summary>The folder that was opened.</summary>
    public string Root { get; }

    /// <summary>Names of the classes, in ordinal order.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>All images, ordered by relative path (ordinal), whatever order the file system lists them in.</summary>
    public IReadOnlyList<ImageFile> Files { get; }

    /// <summary>True for a tree with parts, false for a flat folder.</summary>
    public bool HasParts { get; }

    /// <summary>How many images tell their patient, and by what.</summary>
    public PatientCount Patients { get; }

    /// <summary>Images below the folder that are not among <see cref="Files"/>, by kind.</summary>
    public IReadOnlyList<LeftOut> LeftOut { get; }

    /// <summary>What was taken for what, and what is left out: one line each, for the user to read.</summary>
    public IReadOnlyList<string> Notes { get; }

    private DataLayout Layout { get; }

    /// <summary>Opens a folder to learn from: at least two classes, and each of them in the training part.</summary>
    /// <exception cref="UserError">The folder is missing, holds no images, one class only, an empty class or another layout.</exception>
    /// <param name="directory">The data folder.</param>
    /// <param name="labels">How classes are found.</param>
    /// <param name="patient">A regular expression that tells the patient of a path (<see cref="PatientExpression"/>); null for the known forms.</param>
    public static ImageFolder Open(string directory, LabelScheme labels = LabelScheme.Folders, string? patient = null)
    {
        ImageFolder folder = Find(directory, labels, patient);
        if (folder.Classes.Count < 2)
        {
            throw new UserError($"{directory}: only one class, {folder.Classes[0]}; a classifier needs two: "
                + $"{folder.Layout.HintOfOneClass ?? DataLayout.Expected(directory)}");
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

    /// <summary>
    /// The same images for a trained model with known classes, of which one may be missing; they get the model's spelling of their classes.
    /// </summary>
    /// <exception cref="UserError">The folder has a class that the model does not know.</exception>
    public ImageFolder For(IReadOnlyList<string> classes)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string name in Classes)
        {
            names[name] = ClassName.Among(classes, name)
                ?? throw new UserError($"{Root}: class {name} is unknown to the model; it knows {string.Join(", ", classes)}");
        }
        string[] others = [.. names.Where(entry => entry.Key != entry.Value).Select(entry => $"{entry.Key} is its {entry.Value}")];
        return new ImageFolder(Root, classes, [.. Files.Select(file => file with { Class = names[file.Class] })], Layout,
            others.Length == 0 ? Notes : [.. Notes, $"classes as the model spells them: {string.Join(", ", others)}"]);
    }

    /// <summary>Opens a folder to look at it, with any number of classes.</summary>
    /// <exception cref="UserError">The folder is missing, holds no images, an empty class or another layout.</exception>
    /// <inheritdoc cref="Open"/>
    public static ImageFolder Find(string directory, LabelScheme labels = LabelScheme.Folders, string? patient = null)
    {
        if (File.Exists(directory)) throw new UserError($"{directory}: is a file; --data needs a folder of images");
        if (ImageWalk.IsNotUtf8(directory)) throw new UserError($"{directory}: {ImageWalk.NotUtf8}");
        if (!Directory.Exists(directory)) throw new UserError($"{directory}: no such folder; --data needs a folder of images");
        PatientExpression? expression = patient is null ? null : PatientExpression.Parse(patient);
        try
        {
            return Read(directory, labels, expression);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new UserError($"{directory}: cannot be listed: {e.Message}", e);
        }
    }

    private static ImageFolder Read(string directory, LabelScheme labels, PatientExpression? patient)
    {
        IReadOnlyDictionary<string, ManifestRow> manifest = Manifest.Read(directory);
        DataLayout layout = DataLayout.Of(directory);
        var notes = new List<string>(layout.Notes);
        Dictionary<string, string> spelling = SpellingOf(layout, notes);
        var files = new List<ImageFile>();
        foreach (ClassFolder folder in layout.Folders)
        {
            foreach (string path in folder.Images)
            {
                ManifestRow? row = Manifest.RowOf(manifest, path);
                string label = labels == LabelScheme.Three
                    ? ThreeClass(directory, folder.Name, path, row)
                    : spelling[ClassName.Key(folder.Name)];
                ToldPatient? told = patient is not null ? patient.Of(path)
                    : row?.Patient is { Length: > 0 } known ? new ToldPatient(known, Manifest.FileName)
                    : PatientName.Of(path);
                files.Add(new ImageFile(Path.Combine(directory, path), path, label, told?.Patient ?? path, folder.Part, row?.DuplicateGroup)
                {
                    PatientRule = told?.Rule,
                });
            }
        }
        files.Sort((a, b) => string.CompareOrdinal(a.RelativePath, b.RelativePath));
        if (patient is not null && files.All(file => file.PatientRule is null))
            throw new UserError($"{patient.Rule}: tells the patient of none of {files.Count} images; the first is {files[0].RelativePath}");
        if (manifest.Count > 0) CheckManifest(directory, manifest, files, notes);
        string[] classes = [.. files.Select(file => file.Class).Distinct().Order(StringComparer.Ordinal)];
        return new ImageFolder(directory, classes, files, layout, notes);
    }

    // The spelling of the part that is learned from, of several there the first in ordinal order.
    private static Dictionary<string, string> SpellingOf(DataLayout layout, List<string> notes)
    {
        var spelling = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var same in layout.Folders.GroupBy(folder => ClassName.Key(folder.Name)))
        {
            string[] names = [.. same.OrderBy(folder => folder.Part).ThenBy(folder => folder.Name, StringComparer.Ordinal)
                .Select(folder => folder.Name).Distinct()];
            spelling[same.Key] = UnicodeForm.Composed(names[0]);
            if (names.Length == 1) continue;
            notes.Add($"{string.Join(" and ", names)} differ only in case or in how letters are composed: one class, {spelling[same.Key]}");
        }
        return spelling;
    }

    private static void CheckManifest(
        string directory, IReadOnlyDictionary<string, ManifestRow> manifest, List<ImageFile> files, List<string> notes)
    {
        int mentioned = files.Count(file => Manifest.RowOf(manifest, file.RelativePath) is not null);
        if (mentioned == 0)
        {
            throw new UserError($"{Path.Combine(directory, Manifest.FileName)}: not one of its {manifest.Count} paths is an image of {directory}, whose first is "
                + $"{files[0].RelativePath}; write paths as this one, or remove the file");
        }
        if (mentioned < files.Count) notes.Add($"{Manifest.FileName}: says nothing of {files.Count - mentioned} of {files.Count} images");
    }

    private static string ThreeClass(string directory, string folder, string path, ManifestRow? row)
    {
        string upper = folder.ToUpperInvariant();
        if (threeClasses.Contains(upper)) return upper;
        string subtype = PatientName.KindOf(Path.GetFileName(path)) ?? row?.Subtype ?? "";
        return subtype.ToLowerInvariant() switch
        {
            "bacteria" => "BACTERIAL",
            "virus" => "VIRAL",
            _ => throw new UserError(
                $"{Path.Combine(directory, path)}: --labels three cannot tell bacteria from virus by this name; "
                + "expected personN_bacteria_M, personN_virus_M, BACTERIA-N-M or VIRUS-N-M, or a folder NORMAL"),
        };
    }
}
