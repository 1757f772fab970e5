using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class IdenticalPixelsTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private IReadOnlyList<string?> KeysOf(params string[] names) =>
        IdenticalPixels.Keys([.. names.Select(name => new ImageFile(Path.Combine(folder.Path, name), name, "A", name, null))]);

    public static TheoryData<byte[]> Jpegs => new() { SmallJpegs.Colour, SmallJpegs.Progressive };

    [Theory, MemberData(nameof(Jpegs))]
    public void CopiesAreKnownInOtherBytesAndAnotherFormat(byte[] jpeg)
    {
        var picture = ImageDecoder.Decode(jpeg, "picture");
        folder.Add("a.jpeg", jpeg);
        folder.Add("b.jpeg", jpeg);
        folder.Add("comment.jpeg", SmallJpegs.WithComment(jpeg));
        folder.Add("c.png", PngWriter.Encode(picture.Pixels, picture.Width, picture.Height, picture.Channels));
        byte[] changed = [.. picture.Pixels];
        changed[^1] ^= 1;
        folder.Add("last pixel.png", PngWriter.Encode(changed, picture.Width, picture.Height, picture.Channels));
        folder.Add("broken.png", "");

        var keys = KeysOf("a.jpeg", "b.jpeg", "comment.jpeg", "c.png", "last pixel.png", "broken.png", "missing.png");

        Assert.NotNull(keys[0]);
        Assert.All(keys.Take(4), key => Assert.Equal(keys[0], key));
        Assert.All(keys.Skip(4), Assert.Null);
    }

    [Theory, MemberData(nameof(Jpegs))]
    public void TheFirstRowsOfAJpegAreThoseOfTheWholePicture(byte[] jpeg)
    {
        var picture = ImageDecoder.Decode(jpeg, "picture");
        var whole = TopRows.HashOf(PngWriter.Encode(picture.Pixels, picture.Width, picture.Height, picture.Channels), "png");
        Assert.Equal(whole, TopRows.HashOf(jpeg, "jpeg"));

        byte[] changed = [.. picture.Pixels];
        changed[picture.Channels * picture.Width * 7] ^= 1;
        Assert.NotEqual(whole, TopRows.HashOf(PngWriter.Encode(changed, picture.Width, picture.Height, picture.Channels), "png"));
    }

    [Fact]
    public void WhatTheManifestKnowsLendsItsKeyToWhatItDoesNot()
    {
        folder.AddImage("a.png", 1);
        folder.AddImage("b.png", 1);
        folder.AddImage("c.png", 2);
        ImageFile File(string name, string? group) => new(Path.Combine(folder.Path, name), name, "A", name, null, group);
        Assert.Equal(["manifest 7", "manifest 7", null],
            IdenticalPixels.Keys([File("a.png", "7"), File("b.png", null), File("c.png", "")]));
    }

    [SkippableFact]
    public void TheFirstRowsOfRealXraysTellThemApart()
    {
        RealXrays.SkipIfMissing();
        string[] files =
            [.. Directory.EnumerateFiles(Path.Combine(RealXrays.Folder!, "train", "NORMAL")).Order(StringComparer.Ordinal).Take(60)];
        var hashes = files.Select(file => TopRows.HashOf(File.ReadAllBytes(file), file)).ToArray();
        Assert.Equal(files.Length, hashes.Distinct().Count());
        for (var i = 0; i < files.Length; i += 10)
        {
            var picture = ImageDecoder.Decode(files[i]);
            Assert.Equal(TopRows.HashOf(PngWriter.Encode(picture.Pixels, picture.Width, picture.Height, picture.Channels), "png"),
                hashes[i]);
        }
    }
}
