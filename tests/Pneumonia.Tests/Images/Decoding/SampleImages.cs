using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

/// <summary>The small images in Samples, made by <c>make.sh</c> there.</summary>
public static class SampleImages
{
    private static readonly string folder = Path.Combine(AppContext.BaseDirectory, "Images", "Samples");

    /// <summary>The names of all images that are read.</summary>
    public static IEnumerable<string> Names =>
        Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Where(ImageFormats.IsRead)
            .Where(name => name != "arithmetic.jpg").Order(StringComparer.Ordinal);

    public static byte[] Read(string name) => File.ReadAllBytes(Path.Combine(folder, name));

    public static DecodedImage Decode(string name) => ImageDecoder.Decode(Read(name), name);
}
