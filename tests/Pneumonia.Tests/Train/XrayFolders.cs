using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Train;

/// <summary>Writes folders of synthetic X-rays like a user's.</summary>
public static class XrayFolders
{
    private const int Pixels = 24;

    /// <summary>Adds images of both classes to a part, or to the folder itself if the part is empty.</summary>
    public static TemporaryFolder WithXrays(this TemporaryFolder folder, string part, int ofEachClass, int seed = 1)
    {
        var xrays = new SyntheticXrays(seed, ImagePart.Train);
        for (var i = 0; i < 2 * ofEachClass; i++)
        {
            var name = SyntheticXrays.Classes[SyntheticXrays.ClassIndex(i)];
            var file = name == ImageFolder.Normal ? $"IM-{i:D4}-0001.png" : $"person{i}_{(i % 4 == 1 ? "bacteria" : "virus")}_1.png";
            folder.Add(System.IO.Path.Combine(part, name, file), PngWriter.Encode(xrays.Draw(i, Pixels), Pixels, Pixels, 1));
        }
        return folder;
    }

    /// <summary>All files and folders below a folder, with contents, to detect changes.</summary>
    public static string[] Listing(this TemporaryFolder folder) =>
    [
        .. Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => File.Exists(path)
                ? $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}" : path),
    ];
}
