using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Actions;

/// <summary>Images that a user names one by one or by their folders.</summary>
public static class NamedImages
{
    /// <summary>All images below the folders, and those that are named themselves, in the order of the names.</summary>
    /// <exception cref="UserError">A folder holds none.</exception>
    public static string[] Expand(IEnumerable<string> paths) => [.. paths.SelectMany(Expand)];

    /// <summary>Decodes images as a model takes them; those that cannot be read are not usable, and the store says why.</summary>
    public static async Task<ImageStore> LoadAsync(IReadOnlyList<string> paths, TrainedModel model, CancellationToken cancellation)
    {
        // Their class is what is asked; the store wants one, and no figure is made from it.
        ImageFile[] files = [.. paths.Select(path => new ImageFile(path, path, model.Classes[0], path, null))];
        ImageStore store = ImageStore.Decode(
            files, model.Classes, model.Pixels, model.Resize, model.Channels, model.Preprocessing, cancellation: cancellation, mostMissing: files.Length);
        await store.Completed;
        return store;
    }

    private static IEnumerable<string> Expand(string path)
    {
        if (!Directory.Exists(path)) return [path];
        string[] images = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(ImageFolder.IsImage).Order(StringComparer.Ordinal)];
        return images.Length > 0 ? images : throw new UserError($"{path}: holds no .jpg, .jpeg or .png image");
    }
}
