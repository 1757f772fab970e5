using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Actions;

/// <summary>Writes folders of drawn X-rays as a user has them.</summary>
public static class XrayFolders
{
    private const int Pixels = 24;

    /// <summary>Adds images of both classes below a part, or below the folder itself where the part is empty.</summary>
    public static TemporaryFolder WithXrays(this TemporaryFolder folder, string part, int ofEachClass, int seed = 1)
    {
        var xrays = new SyntheticXrays(seed, ImagePart.Train);
        for (int i = 0; i < 2 * ofEachClass; i++)
        {
            string name = SyntheticXrays.Classes[SyntheticXrays.ClassIndex(i)];
            string file = name == ImageFolder.Normal ? $"IM-{i:D4}-0001.png" : $"person{i}_{(i % 4 == 1 ? "bacteria" : "virus")}_1.png";
            folder.Add(System.IO.Path.Combine(part, name, file), PngWriter.Encode(xrays.Draw(i, Pixels), Pixels, Pixels, 1));
        }
        return folder;
    }

    /// <summary>Every file and folder below a folder with its content, to see that nothing came or went.</summary>
    public static string[] Listing(this TemporaryFolder folder) =>
    [
        .. Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => File.Exists(path) ? $"{path} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(path)))}" : path),
    ];
}
