using System.Collections.Concurrent;

namespace Convolve.Pneumonia.Images;

/// <summary>Finds images with identical pixels, so that no copy of a training image is among those it is tested on.</summary>
public static class IdenticalPixels
{
    /// <summary>
    /// A key for every image; equal keys mean equal pixels, null means that the image has no copy. What the manifest says is taken
    /// as it is. Images that it does not mention are compared by decoded pixels with all images of the same size; one that cannot
    /// be decoded is its own.
    /// </summary>
    public static IReadOnlyList<string?> Keys(IReadOnlyList<ImageFile> files, CancellationToken cancellation = default)
    {
        var keys = new string?[files.Count];
        for (int i = 0; i < files.Count; i++)
            if (files[i].DuplicateGroup is { Length: > 0 } group) keys[i] = "manifest " + group;
        if (files.All(file => file.DuplicateGroup is not null)) return keys;

        var options = new ParallelOptions { CancellationToken = cancellation };
        var bytes = new ConcurrentDictionary<int, (int Width, int Height)>();
        Parallel.For(0, files.Count, options, i =>
        {
            if (Size(files[i].Path) is { } size) bytes[i] = size;
        });
        // Only sizes shared by an unmentioned image and another one need decoding.
        IEnumerable<int> candidates = bytes.GroupBy(entry => entry.Value, entry => entry.Key)
            .Where(group => group.Count() > 1 && group.Any(i => files[i].DuplicateGroup is null))
            .SelectMany(group => group);
        var hashes = new ConcurrentDictionary<int, string>();
        Parallel.ForEach(candidates, options, i =>
        {
            try { hashes[i] = ImageDecoder.Decode(files[i].Path).PixelHash(); }
            catch (UnreadableImage) { }
        });
        foreach (var same in hashes.GroupBy(entry => entry.Value, entry => entry.Key).Where(group => group.Count() > 1))
        {
            // A copy that the manifest already knows lends its key to the ones it does not.
            string key = same.Order().Select(i => keys[i]).FirstOrDefault(known => known is not null) ?? "pixels " + same.Key;
            foreach (int i in same) keys[i] ??= key;
        }
        return keys;
    }

    private static (int Width, int Height)? Size(string path)
    {
        try
        {
            ImageHeader header = ImageHeader.Read(File.ReadAllBytes(path), path);
            return (header.ShownWidth, header.ShownHeight);
        }
        catch (Exception e) when (e is UnreadableImage or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
