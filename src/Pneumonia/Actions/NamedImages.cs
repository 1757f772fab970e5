using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Actions;

/// <summary>Images that a user names one by one or by their folders, none of which may be unreadable.</summary>
public static class NamedImages
{
    /// <summary>All images below the folders, and those that are named themselves, in the order of the names.</summary>
    /// <exception cref="UserError">A folder holds none.</exception>
    public static string[] Expand(IEnumerable<string> paths) => [.. paths.SelectMany(Expand)];

    /// <summary>Decodes images as a model takes them.</summary>
    /// <exception cref="UserError">One of them cannot be decoded.</exception>
    public static async Task<ImageStore> LoadAsync(IReadOnlyList<string> paths, TrainedModel model, CancellationToken cancellation)
    {
        // Their class is what is asked; the store wants one, and no figure is made from it.
        ImageFile[] files = [.. paths.Select(path => new ImageFile(path, path, model.Classes[0], path, null))];
        ImageStore store = ImageStore.Decode(
            files, model.Classes, model.Pixels, model.Resize, model.Channels, model.Preprocessing, cancellation: cancellation, mostMissing: files.Length);
        await store.Completed;
        for (int i = 0; i < store.Count; i++)
            if (!store.IsUsable(i)) throw new UserError(store.Warnings[0].Replace("; left out", "; remove it or repair it"));
        return store;
    }

    private static IEnumerable<string> Expand(string path)
    {
        if (!Directory.Exists(path)) return [path];
        string[] images = [.. Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(ImageFolder.IsImage).Order(StringComparer.Ordinal)];
        return images.Length > 0 ? images : throw new UserError($"{path}: holds no .jpg, .jpeg or .png image");
    }
}
