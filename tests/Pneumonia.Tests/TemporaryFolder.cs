using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests;

/// <summary>A folder of made-up images that is deleted after the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("convolve-test-").FullName;

    /// <summary>Writes a small gray PNG whose pixels are determined by <paramref name="content"/>.</summary>
    public string AddImage(string relativePath, int content)
    {
        var pixels = new byte[16];
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)(content >> (8 * (i % 4)));
        return Add(relativePath, PngWriter.Encode(pixels, 4, 4, 1));
    }

    public string Add(string relativePath, byte[] bytes)
    {
        var path = System.IO.Path.Combine(Path, relativePath);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public string Add(string relativePath, string text) => Add(relativePath, System.Text.Encoding.UTF8.GetBytes(text));

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
