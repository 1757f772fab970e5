using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;
using Convolve.Engine.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>A published weight file.</summary>
/// <param name="Id">Its short name in this program.</param>
/// <param name="File">Its file name.</param>
/// <param name="What">Its content.</param>
/// <param name="Address">Where it is published.</param>
/// <param name="Bytes">Its length in bytes.</param>
/// <param name="Licence">Terms of use.</param>
/// <param name="Preprocessing">The preprocessing that its network expects.</param>
/// <param name="Md5">Its published MD5; null if a SHA-256 is published.</param>
/// <param name="Sha256">Its published SHA-256; null if an MD5 is published.</param>
/// <param name="Original">Whether these are the authors' own weights, as in the reference experiments and <c>--weights
/// imagenet</c>.</param>
public sealed record PublishedWeights(
    string Id, string File, string What, string Address, long Bytes, string Licence, Preprocessing Preprocessing, string? Md5 = null,
    string? Sha256 = null, bool Original = false)
{
    /// <summary>How a file differs from the published one; null if they are equal.</summary>
    public string? Difference(string path)
    {
        using var stream = System.IO.File.OpenRead(path);
        if (stream.Length != Bytes) return $"it has {stream.Length} bytes instead of {Bytes}";
        (var name, var expected, var actual) = Sha256 is not null ? ("SHA-256", Sha256, SHA256.HashData(stream))
            : ("MD5", Md5!, MD5.HashData(stream));
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

    /// <summary>The folders to search, in this order.</summary>
    public static IReadOnlyList<string> Folders =>
    [
        Path.GetFullPath("weights"),
        Path.Combine(UserCache.Folder, "weights"),
    ];

    /// <summary>
    /// The path of an entry's file: a file with its name, whatever its content, else a file with its content under any name (browsers
    /// rename repeated downloads); null if none of the folders has it.
    /// </summary>
    public static string? Find(PublishedWeights entry) => Folders.Select(folder => Path.Combine(folder, entry.File))
        .FirstOrDefault(File.Exists)
        ?? Folders.Where(Directory.Exists).SelectMany(Directory.EnumerateFiles)
            .FirstOrDefault(path => IsReadable(path) && entry.Difference(path) is null);

    /// <summary>The entry whose bytes a file has, whatever its name; null if there is none. Reads only files of matching length.</summary>
    public static PublishedWeights? PublishedAs(string path) => File.Exists(path)
        ? Entries.FirstOrDefault(entry => entry.Difference(path) is null) : null;

    /// <summary>The entry whose name a file has, ignoring case and what browsers and file managers append; null if there is none.</summary>
    public static PublishedWeights? NamedLike(string path) =>
        Entries.FirstOrDefault(
            entry => entry.File.Equals(Additions().Replace(Path.GetFileName(path), ""), StringComparison.OrdinalIgnoreCase));

    // The folder may hold files of other programs that we may not read.
    private static bool IsReadable(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
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
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("catalogue.json")!;
        return JsonSerializer.Deserialize<PublishedWeights[]>(stream, JsonFormat.Options)!;
    }
}
