using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class NamedImagesTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void AFolderStandsForItsImagesWithoutHiddenOnesAndOtherFormats()
    {
        foreach (var path in new[] { "b.png", "a/z.png", "a.png", ".ipynb_checkpoints/b.png", "__MACOSX/._b.png", "a/.x.png" })
            folder.AddImage(path, 1);
        folder.Add("c.webp", "x");
        var found = NamedImages.Expand([Path.Combine(folder.Path, "b.png"), folder.Path]);
        Assert.Equal(["b.png", "a.png", "a/z.png", "b.png"],
            found.Paths.Select(path => Path.GetRelativePath(folder.Path, path).Replace('\\', '/')));
        Assert.Equal(2, found.Notes.Count);
        Assert.Contains(found.Notes, note => note.Contains("3 hidden images"));
        Assert.Contains(found.Notes, note => note.Contains("(.webp)"));
    }

    [Fact]
    public void AnImageThatIsNamedIsAskedAboutWhateverItsName() =>
        Assert.Equal([".x.png", "no such.png"], NamedImages.Expand([".x.png", "no such.png"]).Paths);

    [Fact]
    public void AFolderWithoutImagesIsRefusedWithWhatItHolds()
    {
        folder.Add("c.dcm", "x");
        var error = Assert.Throws<UserError>(() => NamedImages.Expand([folder.Path]));
        Assert.Contains("holds no .jpg", error.Message);
        Assert.Contains("c.dcm", error.Message);
    }

    [SkippableFact]
    public void LinksInCirclesEndAndOneThatLeadsNowhereIsAskedAbout()
    {
        Skip.If(OperatingSystem.IsWindows(), "links need rights on Windows");
        folder.AddImage("a.png", 1);
        File.CreateSymbolicLink(Path.Combine(folder.Path, "again"), ".");
        File.CreateSymbolicLink(Path.Combine(folder.Path, "gone.png"), "/no/such.png");
        var found = NamedImages.Expand([folder.Path]);
        Assert.Equal(["a.png", "gone.png"], found.Paths.Select(Path.GetFileName));
        Assert.Contains("1 link to what is read already: again", Assert.Single(found.Notes));
    }
}
