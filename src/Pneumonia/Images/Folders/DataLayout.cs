using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>A folder of the images of one class.</summary>
/// <param name="Part">The part that it lies in; null in a flat folder.</param>
/// <param name="Name">The folder's own name.</param>
/// <param name="Images">Paths of its images relative to the data folder, those of its sub-folders included.</param>
public sealed record ClassFolder(ImagePart? Part, string Name, IReadOnlyList<string> Images);

/// <summary>
/// Where the images of a data folder are: in a tree <c>{train,val,test}/CLASS/*</c> (for other names of parts see
/// <see cref="PartName"/>) or flat in <c>CLASS/*</c>, in sub-folders of a class as well. Whatever else looks like an image is counted as
/// unused.
/// </summary>
/// <param name="HasParts">True for a tree, false for a flat folder.</param>
/// <param name="Folders">The class folders, each with at least one image.</param>
/// <param name="Unused">Images that are not used; paths relative to the data folder.</param>
/// <param name="Notes">What was taken for what, and what is left out, one line each.</param>
public sealed record DataLayout(
    bool HasParts, IReadOnlyList<ClassFolder> Folders, IReadOnlyList<UnusedImage> Unused, IReadOnlyList<string> Notes)
{
    private const int MostNamed = 3;

    // Names that only classes have: folders that hold these are no classes themselves.
    private static readonly string[] classNames = [ImageFolder.Normal, ImageFolder.Pneumonia];

    /// <summary>What to do where all images are of one class, if that can be told from its sub-folders; null otherwise.</summary>
    public string? HintOfOneClass { get; private init; }

    /// <summary>What a data folder must look like, for messages.</summary>
    public static string Expected(string directory) =>
        $"expected {Path.Combine(directory, "CLASS")}/*.jpeg or {Path.Combine(directory, "{train,val,test}", "CLASS")}/*.jpeg";

    /// <summary>Looks at a folder.</summary>
    /// <exception cref="UserError">It has no images, a class without images, or another layout.</exception>
    /// <exception cref="IOException">A folder cannot be listed.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be listed.</exception>
    public static DataLayout Of(string directory)
    {
        var top = ImageWalk.Directly(directory);
        RequireNames(directory, top);
        var parts = new List<(string Name, ImagePart Part)>();
        foreach (var name in top.Folders)
            if (PartName.PartOf(name) is { } part) parts.Add((name, part));
        foreach (var same in parts.GroupBy(entry => entry.Part).Where(group => group.Count() > 1))
        {
            var names = string.Join(" and ", same.Select(entry => entry.Name));
            throw new UserError($"{directory}: {names} are the same part; keep one of them");
        }

        var folders = new List<ClassFolder>();
        List<UnusedImage> unused = [.. top.Unused, .. top.Images.Select(path => new UnusedImage(path, UnusedReason.OutsideClasses))];
        var notes = new List<string>();
        if (parts.Count > 0) AddParts(directory, parts, top.Folders, folders, unused, notes);
        else AddClasses(directory, "", null, InEach(directory, top.Folders, directory), folders, unused);
        if (folders.Count == 0)
        {
            var loose = top.Images.Count > 0 ? "images lie directly in it, without class folders; " : "";
            throw new UserError($"{directory}: no images found; {loose}{OthersIn(top)}{Expected(directory)}");
        }
        if (parts.Count == 0) RequireClasses(directory, folders);
        NoteSubFolders(folders, parts.Count > 0, notes);
        notes.AddRange(UnusedImage.Notes(unused));
        return new DataLayout(parts.Count > 0, folders, unused, notes)
        {
            HintOfOneClass = parts.Count > 0 ? null : HintOf(directory, folders),
        };
    }

    private static void AddParts(string directory, List<(string Name, ImagePart Part)> parts, IReadOnlyList<string> top,
        List<ClassFolder> folders, List<UnusedImage> unused, List<string> notes)
    {
        string[] renamed = [.. parts.Where(entry => PartName.Of(entry.Part) != entry.Name.ToLowerInvariant())
            .Select(entry => $"{entry.Name} is taken for {PartName.Of(entry.Part)}")];
        if (renamed.Length > 0) notes.Add($"parts: {string.Join(", ", renamed)}");
        foreach ((var name, var part) in parts)
        {
            var path = Path.Combine(directory, name);
            var found = ImageWalk.Directly(path);
            RequireNames(path, found);
            unused.AddRange(found.Unused.Select(image => image with { Path = $"{name}/{image.Path}" }));
            unused.AddRange(found.Images.Select(image => new UnusedImage($"{name}/{image}", UnusedReason.OutsideClasses)));
            (string Name, FoundImages Found)[] classes = [.. InEach(path, found.Folders, directory, path)];
            if (classes.Any(inner => inner.Found.Images.Count > 0))
            {
                AddClasses(directory, name + "/", part, classes, folders, unused);
                continue;
            }
            // A part without images is as good as none, unless it is the one to learn from, or the only one.
            if (part == ImagePart.Train || parts.Count == 1)
            {
                var loose = found.Images.Count > 0 ? "images lie directly in it; " : "";
                throw new UserError($"{path}: no class folders with images; {loose}{OthersIn(found)}{Expected(directory)}; "
                    + "a folder that is not a part needs another name");
            }
            notes.Add($"{name}: has no class folders with images and is left out");
            foreach (var (inner, others) in classes)
                unused.AddRange(others.Unused.Select(image => image with { Path = $"{name}/{inner}/{image.Path}" }));
        }
        foreach (var other in top.Where(name => PartName.PartOf(name) is null))
            unused.AddRange(ImageWalk.Below(Path.Combine(directory, other), directory).AllAs(UnusedReason.OutsideParts)
                .Select(image => image with { Path = $"{other}/{image.Path}" }));
    }

    private static IEnumerable<(string Name, FoundImages Found)> InEach(string path, IReadOnlyList<string> names, params string[] above) =>
        names.Select(name => (name, ImageWalk.Below(Path.Combine(path, name), above)));

    private static void AddClasses(string directory, string prefix, ImagePart? part, IEnumerable<(string Name, FoundImages Found)> classes,
        List<ClassFolder> folders, List<UnusedImage> unused)
    {
        foreach (var (name, found) in classes)
        {
            string[] images = [.. found.Images.Select(image => $"{prefix}{name}/{image}")];
            if (part is null) RequireNoData(directory, images);
            if (images.Length == 0)
            {
                var formats = string.Join(", ", ImageFormats.Endings);
                throw new UserError($"{Path.Combine(directory, prefix + name)}: class folder without images; {OthersIn(found)}"
                    + $"put {formats} files into it, or remove it");
            }
            folders.Add(new ClassFolder(part, name, images));
            unused.AddRange(found.Unused.Select(image => image with { Path = $"{prefix}{name}/{image.Path}" }));
        }
    }

    private static string OthersIn(FoundImages found) =>
        string.Concat(UnusedImage.Notes(found.Unused.Where(image => image.Reason != UnusedReason.Hidden)).Select(note => note + "; "));

    // What cannot be opened would be a class, or a part, less.
    private static void RequireNames(string directory, FoundImages found)
    {
        foreach (var image in found.Unused)
        {
            if (image.Reason != UnusedReason.NameNotUtf8 || ImageFormats.IsRead(image.Path)) continue;
            throw new UserError($"{Path.Combine(directory, image.Path)}: its name is not UTF-8, so that it cannot be opened; "
                + "rename it, for example with convmv");
        }
    }

    // Parts below a folder that was given for the data, or below classes. The outermost are meant: some archives hold the data once more
    // inside.
    private static void RequireNoData(string directory, string[] images)
    {
        var below = images.Select(image => image.Split('/'))
            .Select(names => (Names: names, Part: Array.FindIndex(names, 1, name => PartName.PartOf(name) is not null)))
            .Where(image => image.Part > 0 && image.Part < image.Names.Length - 1).OrderBy(image => image.Part).ToArray();
        if (below.Length == 0) return;
        var (first, part) = below[0];
        if (part + 2 < first.Length)
        {
            throw new UserError($"{directory}: no parts here, but {Path.Combine([directory, .. first[..part]])} looks like a data folder "
                + "with parts of its own; give that one to --data, or move it elsewhere");
        }
        foreach (var (names, at) in below)
        {
            if (PartName.PartOf(names[at]) != ImagePart.Train) continue;
            throw new UserError($"{Path.Combine([directory, .. names[..(at + 1)]])}: a part below a class; "
                + $"parts come first: {Path.Combine([directory, names[at], .. names[..at]])}");
        }
    }

    // Folders that each hold folders of the classes are places or series: learning to tell them apart would be learning something else.
    private static void RequireClasses(string directory, List<ClassFolder> folders)
    {
        if (folders.Count < 2) return;
        HashSet<string>? shared = null;
        foreach (var folder in folders)
        {
            if (folder.Images.Any(image => image.Count(c => c == '/') < 2)) return;
            var inner = folder.Images.Select(image => ClassName.Key(image.Split('/')[1]));
            if (shared is null) shared = [.. inner];
            else shared.IntersectWith(inner);
        }
        if (shared!.Count < 2 || !classNames.Any(shared.Contains)) return;
        string outer = string.Join(" and ", folders.Select(folder => folder.Name)),
            inside = string.Join(", ", shared.Order(StringComparer.Ordinal));
        throw new UserError($"{directory}: {outer} each hold folders {inside}, "
            + "so that they are no classes; give one of them to --data, or put all images of a class into one folder");
    }

    private static string? HintOf(string directory, List<ClassFolder> folders)
    {
        string[] inner = [.. folders.SelectMany(folder => folder.Images).Select(image => image.Split('/')).Where(names => names.Length > 2)
            .Select(names => names[1]).Distinct()];
        return folders.Count == 1 && inner.Length > 1
            ? $"if its folders {string.Join(", ", inner.Take(MostNamed))} are the classes, "
                + $"give {Path.Combine(directory, folders[0].Name)} to --data"
            : null;
    }

    private static void NoteSubFolders(List<ClassFolder> folders, bool hasParts, List<string> notes)
    {
        var direct = hasParts ? 2 : 1;
        var below = folders.Select(folder => (folder.Name, folder.Images.Count,
                Deep: folder.Images.Where(image => image.Count(c => c == '/') > direct).ToArray()))
            .Where(folder => folder.Deep.Length > 0).ToArray();
        if (below.Length == 0) return;
        var more = below.Length > MostNamed ? $", and of {below.Length - MostNamed} more class folders" : "";
        notes.Add("images in sub-folders of classes are read: "
            + string.Join(", ", below.Take(MostNamed)
                .Select(folder => $"{folder.Deep.Length} of {folder.Count} of {folder.Name}, such as {folder.Deep[0]}")) + more);
    }
}
