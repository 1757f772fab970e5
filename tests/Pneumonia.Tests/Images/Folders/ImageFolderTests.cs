using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void ATreeIsReadWithItsPartsInAnyCaseOfExtension()
    {
        folder.AddImage("train/NORMAL/IM-0001-0001.PNG", 1);
        folder.AddImage("train/PNEUMONIA/person1_virus_2.png", 2);
        folder.AddImage("validation/NORMAL/NORMAL2-IM-0002-0001.Png", 3);
        folder.AddImage("test/PNEUMONIA/other.png", 4);
        folder.Add("train/NORMAL/.DS_Store", "x");
        folder.Add("__MACOSX/x/y.txt", "x");

        var found = ImageFolder.Open(folder.Path);

        Assert.True(found.HasParts);
        Assert.Equal(["NORMAL", "PNEUMONIA"], found.Classes);
        Assert.Equal(
            ["test/PNEUMONIA/other.png", "train/NORMAL/IM-0001-0001.PNG", "train/PNEUMONIA/person1_virus_2.png",
                "validation/NORMAL/NORMAL2-IM-0002-0001.Png"],
            found.Files.Select(file => file.RelativePath));
        Assert.Equal(["test/PNEUMONIA/other.png", "IM-0001", "person1", "IM-0002"], found.Files.Select(file => file.Patient));
        Assert.Equal([ImagePart.Test, ImagePart.Train, ImagePart.Train, ImagePart.Val], found.Files.Select(file => file.Part!.Value));
    }

    [Fact]
    public void TheManifestNamesThePatient()
    {
        folder.AddImage("NORMAL/a.png", 1);
        folder.AddImage("NORMAL/b, c.png", 1);
        folder.AddImage("PNEUMONIA/person7_virus_1.png", 2);
        folder.Add("manifest.csv", "duplicate_group,patient,path\r\n4,P1,NORMAL/a.png\r\n,\"P \"\"2\"\"\",\"NORMAL/b, c.png\"\r\n");

        var found = ImageFolder.Open(folder.Path);

        Assert.False(found.HasParts);
        Assert.Equal(["P1", "P \"2\"", "person7"], found.Files.Select(file => file.Patient));
        Assert.Equal(["4", "", null], found.Files.Select(file => file.DuplicateGroup));
    }

    [Theory]
    [InlineData("path,patient\ndata/NORMAL/a.png,7\n", "not one of its 1 paths is an image of")]
    [InlineData("path,patient\nNORMAL/a.png,\"7\nNORMAL/b.png,8\n", "a quoted field has no closing quote")]
    public void AManifestThatSaysNothingOfTheImagesIsRefused(string manifest, string expected)
    {
        folder.Add("NORMAL/a.png", "x");
        folder.Add("PNEUMONIA/b.png", "x");
        folder.Add("manifest.csv", manifest);
        Assert.Contains(expected, Assert.Throws<UserError>(() => ImageFolder.Open(folder.Path)).Message);
    }

    [Fact]
    public void ThreeLabelsComeFromTheNames()
    {
        folder.AddImage("PNEUMONIA/person7_virus_1.png", 1);
        folder.AddImage("PNEUMONIA/person7_bacteria_1.png", 2);
        folder.AddImage("NORMAL/anything.png", 3);
        Assert.Equal(["BACTERIAL", "NORMAL", "VIRAL"], ImageFolder.Open(folder.Path, LabelScheme.Three).Classes);

        folder.AddImage("PNEUMONIA/unknown.png", 4);
        var error = Assert.Throws<UserError>(() => ImageFolder.Open(folder.Path, LabelScheme.Three));
        Assert.Contains("unknown.png", error.Message);
    }

    [Fact]
    public void EveryLayoutThatCannotBeUsedIsNamed()
    {
        void Refused(string part, Action? arrange = null)
        {
            arrange?.Invoke();
            var error = Assert.Throws<UserError>(() => ImageFolder.Open(folder.Path));
            Assert.Contains(part, error.Message);
            Assert.DoesNotContain('\n', error.Message);
        }
        Refused("no images found");
        Refused("directly in it", () => folder.AddImage("loose.png", 1));
        Refused("only one class, NORMAL", () => folder.AddImage("NORMAL/a.png", 1));
        Refused("PNEUMONIA: class folder without images", () => Directory.CreateDirectory(Path.Combine(folder.Path, "PNEUMONIA")));
        Refused("no class folders with images", () => Directory.CreateDirectory(Path.Combine(folder.Path, "train")));
        Refused("class PNEUMONIA has no images in train", () =>
        {
            folder.AddImage("train/NORMAL/a.png", 1);
            folder.AddImage("test/NORMAL/a.png", 1);
            folder.AddImage("test/PNEUMONIA/a.png", 1);
        });
        Refused("lists x twice", () => folder.Add("manifest.csv", "path\nx\nx\n"));
        Refused("no column 'path'", () => folder.Add("manifest.csv", "file\nx\n"));
        Assert.Contains("no such folder", Assert.Throws<UserError>(() => ImageFolder.Open(folder.Path + "-missing")).Message);
    }

    [Fact]
    public void AFolderAboveTheDataPointsToIt()
    {
        folder.AddImage("chest_xray/train/NORMAL/a.png", 1);
        Assert.Contains("chest_xray looks like a data folder", Assert.Throws<UserError>(() => ImageFolder.Open(folder.Path)).Message);
    }

    [Fact]
    public void ATrainedModelMayMeetOneClassButNoUnknownOne()
    {
        folder.AddImage("NORMAL/a.png", 1);
        Assert.Equal(2, ImageFolder.OpenFor(folder.Path, ["NORMAL", "PNEUMONIA"]).Classes.Count);
        Assert.Contains("class NORMAL is not a class of the model",
            Assert.Throws<UserError>(() => ImageFolder.OpenFor(folder.Path, ["A", "B"])).Message);
    }

    [Theory]
    [InlineData("person12_bacteria_3.jpeg", "person12")]
    [InlineData("IM-0115-0001.jpeg", "IM-0115")]
    [InlineData("NORMAL2-IM-0115-0001-0002.jpeg", "IM-0115")]
    [InlineData("salesperson12.jpeg", null)]
    [InlineData("scan.png", null)]
    public void PatientsAreReadOffNames(string name, string? patient) => Assert.Equal(patient, PatientName.Of(name)?.Patient);

    [SkippableFact]
    public void TheRealFolderIsUnderstood()
    {
        RealXrays.SkipIfMissing();
        var found = ImageFolder.Open(RealXrays.Folder!);
        Assert.Equal(5232, found.Files.Count);
        Assert.Equal(2650, found.Files.Select(file => file.Patient).Distinct().Count());
        Assert.Equal(2538, ImageFolder.Open(RealXrays.Folder!, LabelScheme.Three).Files.Count(file => file.Class == "BACTERIAL"));
    }
}
