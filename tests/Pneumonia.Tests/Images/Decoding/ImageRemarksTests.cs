using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageRemarksTests
{
    [Fact]
    public async Task WhatWasTakenForGrantedIsCountedOnceForTheStore()
    {
        using var folder = new TemporaryFolder();
        ushort[] twelve = [.. Enumerable.Range(0, 64).Select(i => (ushort)(i * 64))];
        folder.Add("A/1.png", PngWriter.Encode16(twelve, 8, 8, 1));
        folder.Add("A/2.png", PngWriter.Encode16(twelve, 8, 8, 1));
        folder.Add("A/3.gif", SampleImages.Read("animated.gif"));
        folder.Add("B/1.png", PngWriter.Encode16([.. twelve.Select(value => (ushort)(value << 4))], 8, 8, 1));
        folder.Add("B/2.png", SampleImages.Read("gray8.png"));
        folder.Add("B/3.png", "");
        var found = ImageFolder.Open(folder.Path);
        string[] expected =
        [
            "2 images of 16 bits: only 12 of them appear to be used, scaled from those to 8; brighter pixels are white (such as A/1.png)",
            "1 image of 16 bits: scaled from all 16 to 8 (such as B/1.png)",
            "1 image with several pictures in the file (frames or pages): only the first one is used (such as A/3.gif)",
        ];

        var store = ImageStore.Decode(found.Files, found.Classes, new ImagePreprocessing(4, 3, ResizeMethod.Area));
        await store.Completed;
        Assert.Equal(expected, store.Remarks);
        var damaged = found.Files.Count - 1;
        Assert.Equal("is empty (0 bytes) or not a regular file", store.ReasonOf(damaged));
        Assert.Null(store.ReasonOf(0));
        Assert.Equal(expected, DatasetCheck.Of(found).Remarks);
    }

    [Fact]
    public void NothingIsSaidAboutPlainImages()
    {
        var remarks = new ImageRemarks();
        remarks.Add(0, "a", new DecodedImage(1, 1, 1, [0]));
        Assert.Empty(remarks.Lines);
        remarks.Add(1, "b", new DecodedImage(1, 1, 1, [0]) { Orientation = 6, WasTransparent = true });
        Assert.Equal(["1 image turned as their orientation tag says (such as b)", "1 image with transparent pixels: laid on black "
            + "(such as b)"], remarks.Lines);
    }
}
