using System.Diagnostics;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Images;

/// <summary>Typical folders: the program reports what is used and what is left out.</summary>
public sealed class DataLayoutTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private int content;

    public void Dispose() => folder.Dispose();

    private void Add(params string[] paths)
    {
        foreach (var path in paths) folder.AddImage(path, ++content);
    }

    private void AddTree(string below = "")
    {
        foreach (var part in new[] { "train", "test" })
            foreach (var name in new[] { "NORMAL", "PNEUMONIA" })
                Add($"{below}{part}/{name}/{part}1.png", $"{below}{part}/{name}/{part}2.png");
    }

    private ImageSet Open() => ImageFolder.Open(folder.Path);

    private string Refused() => Assert.Throws<UserError>(Open).Message;

    private static void SkipWithoutLinks() => Skip.If(OperatingSystem.IsWindows(), "links need rights on Windows");

    private void Link(string path, string target)
    {
        var link = Path.Combine(folder.Path, path);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        File.CreateSymbolicLink(link, target);
    }

    private static void Same(IEnumerable<LeftOut> found, params LeftOut[] expected) => Assert.Equal(expected, found);

    [Theory]
    [InlineData("training", "valid", "testing", "training is taken for train", "valid is taken for val", "testing is taken for test")]
    [InlineData("Train", "dev", "holdout", "dev is taken for val", "holdout is taken for test")]
    public void PartsGoByOtherNamesAndThatIsSaid(string train, string val, string test, params string[] mentions)
    {
        foreach (var part in new[] { train, val, test }) Add($"{part}/A/1.png", $"{part}/B/1.png");
        var found = Open();
        Assert.Equal(2, found.Files.Count(file => file.Part == ImagePart.Val));
        Assert.Equal(2, found.Files.Count(file => file.Part == ImagePart.Test));
        var note = Assert.Single(found.Notes);
        foreach (var mention in mentions) Assert.Contains(mention, note);
        Assert.DoesNotContain("Train is", note);
    }

    [Fact]
    public void TwoNamesOfOnePartAreRefused()
    {
        AddTree();
        Add("val/NORMAL/1.png", "valid/NORMAL/2.png");
        Assert.Contains("val and valid are the same part", Refused());
    }

    [Fact]
    public void OtherFormatsAreCounted()
    {
        AddTree();
        folder.Add("train/NORMAL/a.webp", "x");
        folder.Add("train/NORMAL/b.DCM", "x");
        folder.Add("train/NORMAL/notes.txt", "x");
        folder.Add("train/NORMAL/Thumbs.db", "x");
        var found = Open();
        Same(found.LeftOut, new LeftOut(LeftOutKind.Format, 2, "train/NORMAL/a.webp"));
        Assert.Contains("2 images in unsupported formats (.dcm, .webp)", Assert.Single(found.Notes));
    }

    [Fact]
    public void DicomFilesWithoutAnEndingAreKnownByTheirMark()
    {
        AddTree();
        folder.Add("train/NORMAL/IM000001", [.. new byte[128], .. "DICM"u8, 0, 0]);
        folder.Add("train/NORMAL/1.2.840.113619", [.. new byte[128], .. "DICM"u8, 0, 0]);
        folder.Add("train/NORMAL/LICENSE", new string('x', 200));
        var found = Open();
        Same(found.LeftOut, new LeftOut(LeftOutKind.Format, 2, "train/NORMAL/1.2.840.113619"));
        Assert.Contains("DICOM without an ending", Assert.Single(found.Notes));
    }

    [Fact]
    public void AClassOfOtherFormatsAloneIsRefusedWithTheirNames()
    {
        AddTree();
        folder.Add("train/OTHER/a.webp", "x");
        Assert.Contains("1 image in unsupported formats (.webp): a.webp", Refused());
    }

    [Fact]
    public void SubFoldersOfAClassAreRead()
    {
        Add("NORMAL/1.png", "NORMAL/batch2/2.png", "NORMAL/batch2/deep/3.png", "PNEUMONIA/1.png");
        var found = Open();
        Assert.Equal(["NORMAL/1.png", "NORMAL/batch2/2.png", "NORMAL/batch2/deep/3.png", "PNEUMONIA/1.png"],
            found.Files.Select(file => file.RelativePath));
        Assert.All(found.Files, file => Assert.True(File.Exists(file.Path)));
        Assert.Contains("2 of 3 of NORMAL, such as NORMAL/batch2/2.png", Assert.Single(found.Notes));
        Assert.Empty(found.LeftOut);
    }

    [Fact]
    public void MasksAreNoXrays()
    {
        Add("COVID/images/1.png", "COVID/masks/1.png", "Normal/images/1.png", "Normal/lung masks/1.png");
        var found = Open();
        Assert.Equal(["COVID/images/1.png", "Normal/images/1.png"], found.Files.Select(file => file.RelativePath));
        Same(found.LeftOut, new LeftOut(LeftOutKind.Folder, 2, "COVID/masks/1.png"));
        Assert.Contains(found.Notes, note => note.Contains("2 images in folders of masks"));
    }

    [Fact]
    public void WhatLiesBesidePartsAndClassesIsCounted()
    {
        AddTree();
        Add("loose.png", "train/loose.png", "NORMAL/old.png", "chest_xray/train/NORMAL/copy.png", "chest_xray/.hidden.png");
        var found = Open();
        Assert.Equal(8, found.Files.Count);
        Same(found.LeftOut, new LeftOut(LeftOutKind.Folder, 4, "loose.png"));
        Assert.Contains(found.Notes, note => note.Contains("2 images beside the class folders, such as loose.png"));
        Assert.Contains(found.Notes, note => note.Contains("2 images in folders beside the parts"));
    }

    [Fact]
    public void HiddenNamesAreCountedWhereTheyHoldImages()
    {
        AddTree();
        Add("train/NORMAL/._1.png", "train/NORMAL/.ipynb_checkpoints/1.png", "__MACOSX/train/NORMAL/1.png",
            "train/NORMAL/@eaDir/1.png/SMALL.png");
        folder.Add("train/.DS_Store", "x");
        var found = Open();
        Assert.Equal(8, found.Files.Count);
        Same(found.LeftOut, new LeftOut(LeftOutKind.Hidden, 4, "__MACOSX/train/NORMAL/1.png"));
    }

    [Fact]
    public void TheDataInsideAnArchivesFolderAreNamedNotTheCopyInsideThem()
    {
        AddTree("chest_xray/");
        AddTree("chest_xray/chest_xray/");
        Add("chest_xray/__MACOSX/train/1.png");
        var refused = Refused();
        Assert.Contains(Path.Combine(folder.Path, "chest_xray") + " looks like a data folder", refused);

        var found = ImageFolder.Open(Path.Combine(folder.Path, "chest_xray"));
        Assert.Equal(8, found.Files.Count);
        Assert.Equal([LeftOutKind.Folder, LeftOutKind.Hidden], found.LeftOut.Select(entry => entry.Kind));
    }

    [Fact]
    public void ATestPartWithoutClassesIsLeftOut()
    {
        AddTree();
        Directory.Delete(Path.Combine(folder.Path, "test"), recursive: true);
        Add("test/1.png", "test/2.png");
        var found = Open();
        Assert.All(found.Files, file => Assert.Equal(ImagePart.Train, file.Part));
        Same(found.LeftOut, new LeftOut(LeftOutKind.Folder, 2, "test/1.png"));
        Assert.Contains(found.Notes, note => note.StartsWith("test: has no class folders", StringComparison.Ordinal));
    }

    [Fact]
    public void AClassNamedLikeAPartIsNoPartUnknowingly()
    {
        Add("NORMAL/1.png", "test/1.png");
        var refused = Refused();
        Assert.Contains("test: no class folders with images", refused);
        Assert.Contains("needs another name", refused);
    }

    [Fact]
    public void AClassFolderInsideAPartMayHaveAnyName()
    {
        Add("train/train/1.png", "train/test/1.png");
        Assert.Equal(["test", "train"], Open().Classes);
    }

    [Fact]
    public void PartsBelowClassesAreRefused()
    {
        Add("NORMAL/train/1.png", "NORMAL/test/1.png", "PNEUMONIA/train/1.png");
        Assert.Contains("a part below a class", Refused());
    }

    [Fact]
    public void PlacesThatHoldTheClassesAreNoClasses()
    {
        Add("siteA/NORMAL/1.png", "siteA/PNEUMONIA/1.png", "siteB/normal/1.png", "siteB/PNEUMONIA/1.png");
        Assert.Contains("siteA and siteB each hold folders NORMAL, PNEUMONIA", Refused());
    }

    [Fact]
    public void OneFolderAroundTheClassesIsNamed()
    {
        Add("archive/NORMAL/1.png", "archive/PNEUMONIA/1.png");
        Assert.Contains($"give {Path.Combine(folder.Path, "archive")} to --data", Refused());
    }

    [SkippableFact]
    public void LinksAreFollowedAndThoseThatLeadNowhereCounted()
    {
        SkipWithoutLinks();
        using var elsewhere = new TemporaryFolder();
        elsewhere.AddImage("b/1.png", 1);
        Add("NORMAL/1.png");
        Link("NORMAL/linked.png", elsewhere.AddImage("x.png", 2));
        Link("NORMAL/gone.png", "/no/such/file.png");
        Link("NORMAL/self.png", "self.png");
        Link("PNEUMONIA", Path.Combine(elsewhere.Path, "b"));
        var found = Open();
        Assert.Equal(["NORMAL/1.png", "NORMAL/linked.png", "PNEUMONIA/1.png"], found.Files.Select(file => file.RelativePath));
        Same(found.LeftOut, new LeftOut(LeftOutKind.Damaged, 2, "NORMAL/gone.png"));
        Assert.Contains("2 links that lead nowhere", Assert.Single(found.Notes));
    }

    /// <summary>A circular link, a link to the data folder that would mix the classes, and two paths to one file.</summary>
    [SkippableFact]
    public void LinksInCirclesEndAndAFileCountsOnce()
    {
        SkipWithoutLinks();
        Add("NORMAL/1.png", "NORMAL/sub/2.png", "PNEUMONIA/1.png");
        Link("NORMAL/again", ".");
        Link("NORMAL/sub/up", "../..");
        Link("NORMAL/a second name of 1.png", "1.png");
        Link("NORMAL/zub", "sub");
        var found = Open();
        Assert.Equal(["NORMAL/1.png", "NORMAL/sub/2.png", "PNEUMONIA/1.png"], found.Files.Select(file => file.RelativePath));
        Same(found.LeftOut, new LeftOut(LeftOutKind.Copy, 4, "NORMAL/a second name of 1.png"));
    }

    /// <summary>Each level twice, once through a link: 2³⁰ paths to the last folder.</summary>
    [SkippableFact]
    public void LinksThatDoubleAtEveryLevelAreWalkedOnce()
    {
        SkipWithoutLinks();
        var path = "NORMAL";
        for (var level = 0; level < 30; level++)
        {
            Link($"{path}/b", "a");
            path += "/a";
        }
        Add($"{path}/1.png", "PNEUMONIA/1.png");
        Assert.Equal(2, Open().Files.Count);
    }

    [SkippableFact]
    public void NamesThatAreNotUtf8AreCountedAndAskedAbout()
    {
        Skip.IfNot(OperatingSystem.IsLinux(), "file systems of other systems have no such names");
        Add("NORMAL/1.png", "PNEUMONIA/1.png");
        AddLatin1Name("NORMAL", "r\\xf6ntgen.png");
        var found = Open();
        Assert.Equal(2, found.Files.Count);
        Same(found.LeftOut, new LeftOut(LeftOutKind.Damaged, 1, "NORMAL/r\uFFFDntgen.png"));
        Assert.Contains("not UTF-8; rename it, for example with convmv: NORMAL/r\uFFFDntgen.png", Assert.Single(found.Notes));

        var path = Path.Combine(folder.Path, "NORMAL", "r\uFFFDntgen.png");
        Assert.Contains("not UTF-8", Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(path)).Reason);

        AddLatin1Name(".", "Lungenentz\\xfcndung/1.png");
        Assert.Contains("Lungenentz\uFFFDndung: its name is not UTF-8", Refused());
        Shell("rm -r NORMAL Lungen*");
    }

    // .NET writes and deletes only names in UTF-8.
    private void AddLatin1Name(string below, string name) =>
        Skip.IfNot(Shell($"f=\"$(printf '{below}/{name}')\"; mkdir -p \"$(dirname \"$f\")\" && printf x > \"$f\"")
            == 0, "this file system has no such names");

    private int Shell(string command)
    {
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", command]) { WorkingDirectory = folder.Path })!;
        shell.WaitForExit();
        return shell.ExitCode;
    }

    [Fact]
    public void ClassNamesThatDifferInCaseOrCompositionAreOneClass()
    {
        string composed = "Entz\u00FCndung", apart = "Entzu\u0308ndung";
        Add("train/Normal/1.png", $"train/{apart}/1.png", "test/NORMAL/1.png", $"test/{composed}/1.png");
        var found = Open();
        Assert.Equal([composed, "Normal"], found.Classes);
        Assert.Equal(2, found.Notes.Count(note => note.Contains("one class")));
        Assert.Equal(2, found.Files.Count(file => file.Class == "Normal"));

        var forModel = found.For([apart, "NORMAL"]);
        Assert.Equal([apart, "NORMAL"], forModel.Classes);
        Assert.All(forModel.Files, file => Assert.Contains(file.Class, forModel.Classes));
        Assert.Contains(forModel.Notes, note => note.Contains("Normal is its NORMAL"));
    }

    [SkippableFact]
    public void TwoSpellingsBesideEachOtherAreOneClass()
    {
        Add("NORMAL/1.png", "normal/2.png", "PNEUMONIA/1.png");
        Skip.If(Directory.GetDirectories(folder.Path).Length < 3, "this file system does not tell cases apart");
        var found = Open();
        Assert.Equal(["NORMAL", "PNEUMONIA"], found.Classes);
        Assert.Equal(2, found.Files.Count(file => file.Class == "NORMAL"));
    }

    [Fact]
    public void AManifestOfSomeImagesSaysOfHowMany()
    {
        Add("NORMAL/1.png", "PNEUMONIA/1.png");
        folder.Add("manifest.csv", "path,patient\nNORMAL/1.png,7\n");
        Assert.Contains(Open().Notes, note => note.Contains("says nothing of 1 of 2 images"));
    }

    [Fact]
    public void AManifestKnowsNamesWhoseLettersASystemComposedAnew()
    {
        Add("NORMAL/fu\u0308r.png", "NORMAL/g\u00FCr.png", "PNEUMONIA/1.png");
        folder.Add("manifest.csv", "path,patient\nNORMAL/f\u00FCr.png,7\nNORMAL/gu\u0308r.png,8\n");
        Assert.Equal(["7", "8", "PNEUMONIA/1.png"], Open().Files.Select(file => file.Patient));
    }
}
