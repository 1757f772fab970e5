using Convolve.Engine.Tracing;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>The images named by paths of images and folders.</summary>
/// <param name="Paths">The images, in the order of the names, those of a folder in ordinal order.</param>
/// <param name="Notes">What was left out of the folders, one line each.</param>
public sealed record ExpandedImages(IReadOnlyList<string> Paths, IReadOnlyList<string> Notes);

/// <summary>Images that a user names individually or by folder.</summary>
public static class NamedImages
{
    /// <exception cref="UserError">One of the images or folders is missing.</exception>
    public static void RequireThere(IEnumerable<string> paths)
    {
        foreach (var path in paths)
            if (!Path.Exists(path)) throw new UserError($"{path}: no such image or folder");
    }

    /// <summary>All images in the folders, and those named individually, in the order of the names.</summary>
    /// <exception cref="UserError">A folder holds none, or cannot be listed.</exception>
    public static ExpandedImages Expand(IEnumerable<string> paths)
    {
        var images = new List<string>();
        var notes = new List<string>();
        foreach (var path in paths)
        {
            if (!Directory.Exists(path))
            {
                images.Add(path);
                continue;
            }
            var found = Below(path);
            // Files that cannot be opened are listed like other images, with the error.
            var unused = found.Unused.ToLookup(image => image.Reason is UnusedReason.NameNotUtf8 or UnusedReason.BrokenLink);
            string[] unopened = [.. unused[true].Select(image => image.Path)];
            var others = UnusedImage.Notes(unused[false]);
            if (found.Images.Count + unopened.Length == 0)
            {
                throw new UserError($"{path}: holds no {string.Join(", ", ImageFormats.Endings)} image"
                    + string.Concat(others.Select(note => "; " + note)));
            }
            images.AddRange(found.Images.Concat(unopened).Order(StringComparer.Ordinal).Select(image => Path.Combine(path, image)));
            notes.AddRange(others.Select(note => $"{path}: {note}"));
        }
        return new ExpandedImages(images, notes);
    }

    /// <summary>Decodes images for a model; unreadable ones are not usable, and the store has the reason.</summary>
    /// <param name="paths">The images.</param>
    /// <param name="classes">The model's classes.</param>
    /// <param name="input">How an image becomes its input.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <param name="trace">Records it; null for nothing.</param>
    public static async Task<ImageStore> LoadAsync(
        IReadOnlyList<string> paths, IReadOnlyList<string> classes, ImagePreprocessing input, CancellationToken cancellation,
        ExecutionTrace? trace = null)
    {
        // Their class is unknown; the store needs one, but no metric uses it.
        ImageFile[] files = [.. paths.Select(path => new ImageFile(path, path, classes[0], path, null))];
        var store = ImageStore.Decode(files, classes, input, cancellation: cancellation, mostMissing: files.Length, trace: trace);
        await store.Completed;
        return store;
    }

    private static FoundImages Below(string folder)
    {
        try { return ImageWalk.Below(folder); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw UserError.From(e, $"{folder}: cannot be listed");
        }
    }
}
