using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Convolve.Pneumonia.Images;

/// <summary>Finds images with identical pixels, so that no copy of a training image is among those it is tested on.</summary>
public static class IdenticalPixels
{
    /// <summary>
    /// A key for every image; equal keys mean equal pixels, null means that the image has no copy. What the manifest says is taken
    /// as it is. Images that it does not mention are compared with all others; one that cannot be decoded is its own.
    /// </summary>
    /// <remarks>
    /// Decoding is left to the last, so that few images are decoded twice: files with equal bytes need none, images of a size of their own
    /// cannot be copies, and of the others the first rows differ if anything does (<see cref="TopRows"/>).
    /// </remarks>
    public static IReadOnlyList<string?> Keys(IReadOnlyList<ImageFile> files, CancellationToken cancellation = default)
    {
        var keys = new string?[files.Count];
        for (var i = 0; i < files.Count; i++)
            if (files[i].DuplicateGroup is { Length: > 0 } group) keys[i] = "manifest " + group;
        if (files.All(file => file.DuplicateGroup is not null)) return keys;

        bool Unmentioned(IEnumerable<int> images) => images.Any(i => files[i].DuplicateGroup is null);
        var contents = InParallel(Enumerable.Range(0, files.Count), i => ContentOf(files[i].Path), cancellation);
        // One stands for all files with its bytes.
        var same = contents.GroupBy(entry => entry.Value.Hash, entry => entry.Key).Select(group => group.Order().ToArray())
            .ToDictionary(group => group[0]);
        var candidates = Groups(same.Keys, i => (contents[i].ShortSide, contents[i].LongSide));
        candidates = AmongCandidates(candidates, file => TopRows.HashOf(file, ""));
        candidates = AmongCandidates(candidates, file => ImageDecoder.Decode(file, "").PixelHash());
        foreach (var copies in candidates)
        {
            int[] all = [.. copies.SelectMany(i => same[i])];
            foreach (var i in copies) same.Remove(i);
            same[all[0]] = all;
        }
        foreach (var copies in same.Values.Where(group => group.Length > 1 && Unmentioned(group)))
        {
            // A copy that the manifest already knows lends its key to the ones it does not.
            var key = copies.Order().Select(i => keys[i]).FirstOrDefault(known => known is not null) ?? $"pixels {copies.Min()}";
            foreach (var i in copies) keys[i] ??= key;
        }
        return keys;

        IEnumerable<int[]> Groups<T>(IEnumerable<int> images, Func<int, T> key) =>
            images.GroupBy(key).Select(group => group.ToArray())
                .Where(group => group.Length > 1 && Unmentioned(group.SelectMany(i => same[i])));

        IEnumerable<int[]> AmongCandidates(IEnumerable<int[]> groups, Func<byte[], string> fingerprint)
        {
            int[][] asked = [.. groups];
            var hashes = InParallel(asked.SelectMany(group => group),
                i => fingerprint(ImageBytes.Read(files[i].Path)), cancellation);
            return [.. asked.SelectMany(group => Groups(group.Where(hashes.ContainsKey), i => hashes[i]))];
        }
    }

    // Sides, as a picture may be turned when it is decoded.
    private sealed record Content(string Hash, int ShortSide, int LongSide);

    private static Content ContentOf(string path)
    {
        var file = ImageBytes.Read(path);
        var header = ImageHeader.Read(file, path);
        return new Content(Convert.ToHexString(SHA256.HashData(file)),
            Math.Min(header.Width, header.Height), Math.Max(header.Width, header.Height));
    }

    // Images that cannot be decoded have no value.
    private static ConcurrentDictionary<int, T> InParallel<T>(IEnumerable<int> images, Func<int, T> value, CancellationToken cancellation)
        where T : class
    {
        var values = new ConcurrentDictionary<int, T>();
        int[] all = [.. images];
        var options = new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount };
        Parallel.For(0, all.Length, options, i =>
        {
            try
            {
                values[all[i]] = value(all[i]);
            }
            catch (UnreadableImage) { }
        });
        return values;
    }
}
