using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// The images below a data folder, as a tree <c>{train,val,test}/CLASS/*</c> or flat as <c>CLASS/*</c>: see <see cref="DataLayout"/>.
/// Classes are the names of the folders in ordinal order; names that differ only in case, or in how their letters are composed, are one
/// class.
/// </summary>
public static class ImageFolder
{
    public const string Normal = "NORMAL";
    public const string Pneumonia = "PNEUMONIA";

    private static readonly string[] threeClasses = ["BACTERIAL", Normal, "VIRAL"];

    /// <summary>Opens a folder to train on: at least two classes, and each of them in the training part.</summary>
    /// <exception cref="UserError">The folder is missing, holds no images, one class only, an empty class or another layout.</exception>
    /// <param name="directory">The data folder.</param>
    /// <param name="labels">Where class labels come from.</param>
    /// <param name="patient">A regular expression that finds the patient in a path (<see cref="PatientExpression"/>); null for the known
    /// forms.</param>
    public static ImageSet Open(string directory, LabelScheme labels = LabelScheme.Folders, string? patient = null)
    {
        (var set, var layout) = Look(directory, labels, patient);
        if (set.Classes.Count < 2)
        {
            throw new UserError($"{directory}: only one class, {set.Classes[0]}; a classifier needs two: "
                + $"{layout.HintOfOneClass ?? DataLayout.Expected(directory)}");
        }
        if (set.Train is { Count: > 0 } train)
        {
            foreach (var name in set.Classes)
            {
                if (!train.Any(file => file.Class == name))
                    throw new UserError(
                        $"{directory}: class {name} has no images in train; add some, or remove the class from the other parts");
            }
        }
        return set;
    }

    /// <summary>Opens a folder whose images a trained model with known classes is to score; one class may be missing.</summary>
    /// <exception cref="UserError">As for <see cref="Open"/>, or the folder has a class that the model does not know.</exception>
    public static ImageSet OpenFor(string directory, IReadOnlyList<string> classes, LabelScheme labels = LabelScheme.Folders) =>
        Find(directory, labels).For(classes);

    /// <summary>Opens a folder to look at it, with any number of classes.</summary>
    /// <exception cref="UserError">The folder is missing, holds no images, an empty class or another layout.</exception>
    /// <inheritdoc cref="Open"/>
    public static ImageSet Find(string directory, LabelScheme labels = LabelScheme.Folders, string? patient = null) =>
        Look(directory, labels, patient).Set;

    private static (ImageSet Set, DataLayout Layout) Look(string directory, LabelScheme labels, string? patient)
    {
        if (File.Exists(directory)) throw new UserError($"{directory}: is a file; --data needs a folder of images");
        if (ImageWalk.IsNotUtf8(directory)) throw new UserError($"{directory}: {ImageWalk.NotUtf8}");
        if (!Directory.Exists(directory)) throw new UserError($"{directory}: no such folder; --data needs a folder of images");
        var expression = patient is null ? null : PatientExpression.Parse(patient);
        try
        {
            var manifest = Manifest.Read(directory);
            var layout = DataLayout.Of(directory);
            return (Read(directory, manifest, layout, labels, expression), layout);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw UserError.From(e, $"{directory}: cannot be listed");
        }
    }

    private static ImageSet Read(
        string directory, IReadOnlyDictionary<string, ManifestRow> manifest, DataLayout layout, LabelScheme labels,
        PatientExpression? patient)
    {
        var notes = new List<string>(layout.Notes);
        var spelling = SpellingOf(layout, notes);
        var files = new List<ImageFile>();
        foreach (var folder in layout.Folders)
        {
            foreach (var path in folder.Images)
            {
                var row = Manifest.RowOf(manifest, path);
                var label = labels == LabelScheme.Three
                    ? ThreeClass(directory, folder.Name, path, row)
                    : spelling[ClassName.Key(folder.Name)];
                var found = patient is not null ? patient.Of(path)
                    : row?.Patient is { Length: > 0 } known ? new KnownPatient(known, Manifest.FileName)
                    : PatientName.Of(path);
                files.Add(new ImageFile(Path.Combine(directory, path), path, label, found?.Patient ?? path, folder.Part,
                    row?.DuplicateGroup)
                {
                    PatientRule = found?.Rule,
                });
            }
        }
        files.Sort((a, b) => string.CompareOrdinal(a.RelativePath, b.RelativePath));
        if (patient is not null && files.All(file => file.PatientRule is null))
            throw new UserError(
                $"{patient.Rule}: identifies the patient of none of {files.Count} images; the first is {files[0].RelativePath}");
        if (manifest.Count > 0) CheckManifest(directory, manifest, files, notes);
        string[] classes = [.. files.Select(file => file.Class).Distinct().Order(StringComparer.Ordinal)];
        return new ImageSet(directory, classes, files, layout.HasParts, notes)
        {
            Patients = PatientCount.Of(files),
            LeftOut = UnusedImage.Counts(layout.Unused),
        };
    }

    // The spelling in the training part; of several there, the first in ordinal order.
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
        var mentioned = files.Count(file => Manifest.RowOf(manifest, file.RelativePath) is not null);
        if (mentioned == 0)
        {
            throw new UserError($"{Path.Combine(directory, Manifest.FileName)}: not one of its {manifest.Count} paths is an image of "
                + $"{directory}, whose first is "
                + $"{files[0].RelativePath}; write paths as this one, or remove the file");
        }
        if (mentioned < files.Count) notes.Add($"{Manifest.FileName}: says nothing of {files.Count - mentioned} of {files.Count} images");
    }

    private static string ThreeClass(string directory, string folder, string path, ManifestRow? row)
    {
        var upper = folder.ToUpperInvariant();
        if (threeClasses.Contains(upper)) return upper;
        var subtype = PatientName.KindOf(Path.GetFileName(path)) ?? row?.Subtype ?? "";
        return subtype.ToLowerInvariant() switch
        {
            "bacteria" => "BACTERIAL",
            "virus" => "VIRAL",
            _ => throw new UserError(
                $"{Path.Combine(directory, path)}: --labels three cannot distinguish bacteria and virus by this name; "
                + "expected personN_bacteria_M, personN_virus_M, BACTERIA-N-M or VIRUS-N-M, or a folder NORMAL"),
        };
    }
}
