using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Convolve.Engine.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Weights;

/// <summary>A published weight file.</summary>
/// <param name="Id">Its short name here.</param>
/// <param name="File">Its file name.</param>
/// <param name="What">What is in it.</param>
/// <param name="Address">Where it is published.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Licence">Under which terms it may be used.</param>
/// <param name="Preprocessing">What its images went through.</param>
/// <param name="Md5">Its checksum as published; null if that is a SHA-256.</param>
/// <param name="Sha256">Its checksum as published; null if that is an MD5.</param>
/// <param name="Original">Whether they are the weights of the network's authors, which the reference experiments used and <c>--weights imagenet</c> means.</param>
public sealed record PublishedWeights(
    string Id, string File, string What, string Address, long Bytes, string Licence, Preprocessing Preprocessing, string? Md5 = null, string? Sha256 = null, bool Original = false)
{
    /// <summary>How a file differs from the published one; null if it is the same.</summary>
    public string? Difference(string path)
    {
        using FileStream stream = System.IO.File.OpenRead(path);
        if (stream.Length != Bytes) return $"it has {stream.Length} bytes instead of {Bytes}";
        (string name, string expected, byte[] actual) = Sha256 is not null ? ("SHA-256", Sha256, SHA256.HashData(stream)) : ("MD5", Md5!, MD5.HashData(stream));
        return expected.Equals(Convert.ToHexString(actual), StringComparison.OrdinalIgnoreCase)
            ? null
            : $"its {name} is {Convert.ToHexStringLower(actual)} instead of {expected}";
    }
}

/// <summary>The published weight files that the program knows, and where it looks for them.</summary>
public static partial class WeightCatalogue
{
    /// <summary>All entries of <c>weights/catalogue.json</c>, which is built into the program.</summary>
    public static IReadOnlyList<PublishedWeights> Entries { get; } = Read();

    /// <summary>The folders that are searched, in this order.</summary>
    public static IReadOnlyList<string> Folders =>
    [
        Path.GetFullPath("weights"),
        Path.Combine(UserCache.Folder, "weights"),
    ];

    /// <summary>
    /// Where an entry's file is: under its name, whatever that holds, else under any name, such as a browser gives to what it fetches again; null if it is in
    /// none of the folders.
    /// </summary>
    public static string? Find(PublishedWeights entry) => Folders.Select(folder => Path.Combine(folder, entry.File)).FirstOrDefault(File.Exists)
        ?? Folders.Where(Directory.Exists).SelectMany(Directory.EnumerateFiles).FirstOrDefault(path => IsReadable(path) && entry.Difference(path) is null);

    /// <summary>The entry that a file is byte for byte, whatever it is called; null if it is none. Only a file of an entry's length is read.</summary>
    public static PublishedWeights? PublishedAs(string path) => File.Exists(path) ? Entries.FirstOrDefault(entry => entry.Difference(path) is null) : null;

    /// <summary>The entry whose name a file has, but for upper and lower case and what browsers and file managers add; null if it is none.</summary>
    public static PublishedWeights? NamedLike(string path) =>
        Entries.FirstOrDefault(entry => entry.File.Equals(Additions().Replace(Path.GetFileName(path), ""), StringComparison.OrdinalIgnoreCase));

    // Another program's file in the folder may be none of ours to read.
    private static bool IsReadable(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // "name (1).h5", "name - Copy.h5", "name.h5.1".
    [GeneratedRegex(@"(\s*\(\d+\)|\s+-\s+Copy)+(?=\.[^.]*$)|\.\d+$", RegexOptions.IgnoreCase)]
    private static partial Regex Additions();

    private static PublishedWeights[] Read()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("catalogue.json")!;
        return JsonSerializer.Deserialize<PublishedWeights[]>(stream, ScoreJson.Options)!;
    }
}
