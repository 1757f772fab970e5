namespace Convolve.Pneumonia.Images;

/// <summary>The images of a folder. Paths are relative to it, with forward slashes, in ordinal order.</summary>
/// <param name="Images">Those that are to be read.</param>
/// <param name="Unused">Those that are not, and why.</param>
/// <param name="Folders">Folders that were not looked into, for the caller to do so.</param>
public sealed record FoundImages(IReadOnlyList<string> Images, IReadOnlyList<UnusedImage> Unused, IReadOnlyList<string> Folders)
{
    /// <summary>All images of the folder, used or not, as unused ones for a reason of the caller.</summary>
    public IEnumerable<UnusedImage> AllAs(UnusedReason reason) =>
        Images.Concat(Unused.Where(image => image.Reason is UnusedReason.OtherFormat or UnusedReason.Mask).Select(image => image.Path))
            .Select(path => new UnusedImage(path, reason));
}

/// <summary>
/// Looks through a folder for images. Links are followed; each file is found once, however many links lead to it, and a circle of links
/// ends where it began. Hidden names, other formats and links that lead nowhere are counted, not read; files that are no images are passed
/// over.
/// </summary>
public sealed class ImageWalk
{
    // Names that systems use for themselves besides those with a dot or two underscores in front; @eaDir holds small copies of all images.
    private static readonly string[] systemFolders = ["@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"];

    private readonly string root;
    private readonly bool below;
    private readonly HashSet<string> visited = new(StringComparer.Ordinal);
    private readonly HashSet<string> files = new(StringComparer.Ordinal);
    private readonly Queue<(string Path, UnusedReason? Reason)> links = new();
    private readonly List<string> images = [];
    private readonly List<UnusedImage> unused = [];
    private readonly List<string> folders = [];

    private ImageWalk(string root, bool below)
    {
        this.root = root;
        this.below = below;
    }

    /// <summary>The images of a folder and of all folders below it.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="above">Folders above it, which a link below must not lead back to.</param>
    /// <exception cref="IOException">A folder cannot be listed.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder may not be listed.</exception>
    public static FoundImages Below(string folder, params IEnumerable<string> above) => new ImageWalk(folder, below: true).Run(above);

    /// <summary>The images that lie directly in a folder, and its folders that are not hidden.</summary>
    /// <inheritdoc cref="Below"/>
    public static FoundImages Directly(string folder) => new ImageWalk(folder, below: false).Run([]);

    /// <summary>Whether a file or folder has a name that systems and programs use for themselves.</summary>
    public static bool IsHidden(string name) =>
        name.StartsWith('.') || name.StartsWith("__", StringComparison.Ordinal)
        || systemFolders.Contains(name, StringComparer.OrdinalIgnoreCase);

    /// <summary>What to say of a path that <see cref="IsNotUtf8"/>.</summary>
    public const string NotUtf8 = "its name is not UTF-8; rename it, for example with convmv";

    /// <summary>
    /// Whether the bytes of a name are not UTF-8: it is shown with a replacement character then, and no file can be opened by it.
    /// </summary>
    public static bool IsNotUtf8(string path) => path.Contains('\uFFFD') && !Path.Exists(path);

    private FoundImages Run(IEnumerable<string> above)
    {
        foreach (var folder in above)
            if (RealPath.Of(folder) is { } real) visited.Add(real);
        if (RealPath.Of(root) is { } start) ReadFolder(start, "", null);
        // Files come before links to them, so that a file keeps its own name.
        while (links.TryDequeue(out var link)) Follow(link.Path, link.Reason);
        images.Sort(StringComparer.Ordinal);
        folders.Sort(StringComparer.Ordinal);
        return new FoundImages(images, [.. unused.OrderBy(image => image.Path, StringComparer.Ordinal)], folders);
    }

    // A reason for not using the folder holds for all that it contains.
    private void ReadFolder(string real, string relative, UnusedReason? reason)
    {
        if (!visited.Add(real)) return;
        FileSystemInfo[] entries;
        try
        {
            entries = [.. new DirectoryInfo(real).EnumerateFileSystemInfos().OrderBy(entry => entry.Name, StringComparer.Ordinal)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException && reason is not null)
        {
            // What is not used anyway need not be counted.
            return;
        }
        foreach (var entry in entries)
        {
            var path = relative.Length == 0 ? entry.Name : $"{relative}/{entry.Name}";
            var why = reason ?? (IsHidden(entry.Name) ? UnusedReason.Hidden : null);
            if (IsNotUtf8(entry.FullName))
            {
                if (entry is DirectoryInfo || IsImage(path)) unused.Add(new UnusedImage(path, why ?? UnusedReason.NameNotUtf8));
            }
            else if (entry.Attributes.HasFlag(FileAttributes.ReparsePoint)) links.Enqueue((path, why));
            else if (entry is DirectoryInfo) AddFolder(entry.FullName, path, why);
            else AddFile(entry.FullName, path, why);
        }
    }

    private void Follow(string path, UnusedReason? reason)
    {
        var real = RealPath.Of(Path.Combine(root, path));
        if (real is null)
        {
            if (reason is null && (IsImage(path) || Path.GetExtension(path).Length == 0))
                unused.Add(new UnusedImage(path, UnusedReason.BrokenLink));
        }
        else if (!Directory.Exists(real)) AddFile(real, path, reason);
        // Where nothing is used, a link may lead anywhere.
        else if (reason is not null) return;
        else if (visited.Contains(real)) unused.Add(new UnusedImage(path, UnusedReason.LinkToUsed));
        else AddFolder(real, path, reason);
    }

    private void AddFolder(string real, string path, UnusedReason? reason)
    {
        if (!below && reason is null) folders.Add(path);
        else ReadFolder(real, path, reason ?? (IsOfMasks(path) ? UnusedReason.Mask : null));
    }

    private void AddFile(string real, string path, UnusedReason? reason)
    {
        if (!IsImage(path) && !IsUnnamedDicom(real)) return;
        if (reason is { } why) unused.Add(new UnusedImage(path, why));
        else if (!ImageFormats.IsRead(path)) unused.Add(new UnusedImage(path, UnusedReason.OtherFormat));
        else if (files.Add(real)) images.Add(path);
        else unused.Add(new UnusedImage(path, UnusedReason.LinkToUsed));
    }

    private static bool IsImage(string path) => ImageFormats.IsRead(path) || ImageFormats.IsKnownButNotRead(path);

    // As hospitals' systems export them: without an ending, or named by a number with dots.
    private static bool IsUnnamedDicom(string path)
    {
        const int preamble = 128;
        if (!Path.GetExtension(path).All(c => c == '.' || char.IsAsciiDigit(c))) return false;
        try
        {
            Span<byte> mark = stackalloc byte[4];
            // Asked before it is opened: a pipe would wait for its writer.
            if (ImageBytes.SizeOf(path) is not { } size || size < preamble + mark.Length) return false;
            using var file = File.OpenRead(path);
            file.Position = preamble;
            file.ReadExactly(mark);
            return mark.SequenceEqual("DICM"u8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException) { return false; }
    }

    // Data sets for segmentation keep images and masks side by side in the folder of a class.
    private static bool IsOfMasks(string path) =>
        path.EndsWith("mask", StringComparison.OrdinalIgnoreCase) || path.EndsWith("masks", StringComparison.OrdinalIgnoreCase);
}
