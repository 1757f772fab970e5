using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;
using FsCheck.Xunit;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageSplitTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // The manifest states duplicates, so these tests need not decode pixels.
    private void AddTree(string prefix, int normal, int pneumonia, List<string> manifest)
    {
        for (var i = 0; i < normal + pneumonia; i++)
        {
            var name = i < normal ? $"{prefix}NORMAL/IM-{i / 2:D4}-{i:D4}.png" : $"{prefix}PNEUMONIA/person{i / 3}_virus_{i}.png";
            folder.Add(name, "x");
            manifest.Add(name + ",");
        }
    }

    private ImageSet Open(List<string> manifest)
    {
        folder.Add("manifest.csv", "path,duplicate_group\n" + string.Join('\n', manifest) + "\n");
        return ImageFolder.Open(folder.Path);
    }

    [Property(MaxTest = 40)]
    public bool A_patient_split_never_puts_a_group_on_both_sides(byte[] patients, byte[] duplicates, int seed)
    {
        using var images = new TemporaryFolder();
        var manifest = new List<string>();
        var count = 40 + patients.Length;
        for (var i = 0; i < count; i++)
        {
            var name = $"{(i % 3 == 0 ? "NORMAL" : "PNEUMONIA")}/image{i}.png";
            images.Add(name, "x");
            var patient = i < patients.Length ? "patient" + patients[i] % 16 : "";
            var duplicate = i < duplicates.Length && i < patients.Length ? (duplicates[i] % 16).ToString() : "";
            manifest.Add($"{name},{patient},{duplicate}");
        }
        images.Add("manifest.csv", "path,patient,duplicate_group\n" + string.Join('\n', manifest));

        var found = ImageFolder.Open(images.Path);
        var split = ImageSplit.Of(found, new SplitSettings(SplitKind.Patient, Seed: seed));

        ImageFile[] all = [.. split.Train, .. split.Val, .. split.Test];
        return all.Length == count
            && all.GroupBy(file => file.Patient).All(group => group.Select(file => file.Part).Distinct().Count() == 1)
            && all.Where(file => file.DuplicateGroup != "").GroupBy(file => file.DuplicateGroup)
                .All(group => group.Select(file => file.Part).Distinct().Count() == 1);
    }

    /// <summary>Names like those of the dataset: in any case, with any prefix, with and without a patient.</summary>
    [Property(MaxTest = 40)]
    public bool A_patient_split_never_puts_a_patient_on_both_sides_whatever_the_names(byte[] shapes, int seed)
    {
        using var images = new TemporaryFolder();
        var patients = new Dictionary<string, string>();
        var manifest = new List<string>();
        for (var i = 0; i < 40 + shapes.Length; i++)
        {
            int shape = i < shapes.Length ? shapes[i] : i * 7, number = shape / 8 % 9;
            (var name, var patient) = (shape % 8) switch
            {
                0 => ($"person{number}_bacteria_{i}", $"person {number}"),
                1 => ($"person{number}_virus_{i}", $"person {number}"),
                2 => ($"PERSON{number}_{i}", $"person {number}"),
                3 => ($"copy of person{number}-{i}", $"person {number}"),
                4 => ($"IM-{number:D4}-{i:D4}", $"study {number}"),
                5 => ($"NORMAL2-IM-{number:D4}-{i:D4}", $"study {number}"),
                6 => ($"salesperson{number}_{i}", $"alone {i}"),
                _ => ($"{number}, {i} é", $"alone {i}"),
            };
            var path = $"{(i % 3 == 0 ? "NORMAL" : "PNEUMONIA")}/{name}.png";
            images.Add(path, "x");
            patients[path] = patient;
            // The manifest takes precedence over the name. It gives the patient of some images, and states that none are duplicates.
            var said = shape % 5 == 0 ? $"said {number}" : "";
            if (said.Length > 0) patients[path] = said;
            manifest.Add($"\"{path}\",{said},");
        }
        images.Add("manifest.csv", "path,patient,duplicate_group\n" + string.Join('\n', manifest));
        var split = ImageSplit.Of(ImageFolder.Open(images.Path), new SplitSettings(SplitKind.Patient, Seed: seed));
        ImageFile[] all = [.. split.Train, .. split.Val, .. split.Test];
        return all.Length == patients.Count
            && all.GroupBy(file => patients[file.RelativePath]).All(group => group.Select(file => file.Part).Distinct().Count() == 1);
    }

    [Fact]
    public void CopiesStayTogetherWithoutAManifestWhateverTheirNamesAndFormats()
    {
        for (var i = 0; i < 60; i++) folder.AddImage($"{(i % 2 == 0 ? "NORMAL" : "PNEUMONIA")}/{i}.png", i / 4);
        var colour = new byte[48];
        folder.Add("NORMAL/colour.png", PngWriter.Encode(colour, 4, 4, 3));
        folder.Add("NORMAL/broken.png", "");

        for (var seed = 0; seed < 5; seed++)
        {
            var split = ImageSplit.Of(ImageFolder.Open(folder.Path), new SplitSettings(Seed: seed));
            var part = new ImagePart?[60];
            ImageFile[] all = [.. split.Train, .. split.Val, .. split.Test];
            Assert.Equal(62, all.Length);
            foreach (var file in all.Where(file => char.IsDigit(file.Name[0]))) part[int.Parse(file.Name.Split('.')[0])] = file.Part;
            for (var i = 0; i < 60; i++) Assert.Equal(part[i / 4 * 4], part[i]);
            Assert.Equal(part[0], all.Single(file => file.Name == "colour.png").Part);
        }
    }

    [Fact]
    public void APatientSplitKeepsTheFractionsAndTheClasses()
    {
        List<string> manifest = [];
        AddTree("", 200, 600, manifest);
        var split = ImageSplit.Of(Open(manifest), new SplitSettings());
        Assert.Equal("patient", split.Split);
        Assert.InRange(split.Train.Count, 632, 648);
        Assert.InRange(split.Val.Count(file => file.Class == "NORMAL"), 18, 22);
        Assert.InRange(split.Test.Count(file => file.Class == "PNEUMONIA"), 57, 63);
    }

    [Fact]
    public void ASmallValidationFolderGivesWayToATenthOfTrain()
    {
        List<string> manifest = [];
        AddTree("train/", 100, 300, manifest);
        AddTree("val/", 8, 8, manifest);
        var split = ImageSplit.Of(Open(manifest), new SplitSettings());
        Assert.Equal("folders", split.Split);
        Assert.Equal(400, split.Train.Count + split.Val.Count);
        Assert.InRange(split.Val.Count, 36, 44);
        Assert.All(split.Val, file => Assert.StartsWith("train/", file.RelativePath));
        Assert.All(split.Val, file => Assert.Equal(ImagePart.Val, file.Part));
        Assert.Empty(split.Train.Select(file => file.Patient).Intersect(split.Val.Select(file => file.Patient)));
        Assert.Contains(split.Notes, note => note.Contains("val has only 16 images"));
        Assert.Contains(split.Notes, note => note.Contains("no test images"));
    }

    /// <summary>Some editions of the dataset contain the folder, but empty.</summary>
    [Fact]
    public void AValidationFolderWithoutImagesIsAsGoodAsNone()
    {
        List<string> manifest = [];
        AddTree("train/", 100, 300, manifest);
        foreach (var name in new[] { "NORMAL", "PNEUMONIA" }) Directory.CreateDirectory(Path.Combine(folder.Path, "val", name));
        Assert.InRange(ImageSplit.Of(Open(manifest), new SplitSettings()).Val.Count, 36, 44);
    }

    [Fact]
    public void ALargeValidationFolderStays()
    {
        List<string> manifest = [];
        AddTree("train/", 60, 60, manifest);
        AddTree("val/", 25, 25, manifest);
        AddTree("test/", 5, 5, manifest);
        var split = ImageSplit.Of(Open(manifest), new SplitSettings());
        Assert.Equal((120, 50, 10), (split.Train.Count, split.Val.Count, split.Test.Count));
    }

    [Fact]
    public void TheReferenceSplitSlicesSortedNames()
    {
        List<string> manifest = [];
        // Parts are pooled and must not matter: every third image is in test.
        for (var i = 0; i < 1583; i++) manifest.Add($"{(i % 3 == 0 ? "test" : "train")}/NORMAL/IM-{i:D4}-0001.png,");
        for (var i = 0; i < 4273; i++) manifest.Add($"{(i % 3 == 0 ? "test" : "train")}/PNEUMONIA/person{i:D4}_virus_1.png,");
        foreach (var line in manifest) folder.Add(line.TrimEnd(','), "");
        var found = Open(manifest);

        var split = ImageSplit.Of(found, new SplitSettings(SplitKind.Reference));

        Assert.Equal((4685, 586, 585), (split.Train.Count, split.Val.Count, split.Test.Count));
        string[] Names(IEnumerable<ImageFile> files, string of) =>
            [.. files.Where(file => file.Class == of).Select(file => file.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(Enumerable.Range(1267, 158).Select(i => $"IM-{i:D4}-0001.png"), Names(split.Test, "NORMAL"));
        Assert.Equal(Enumerable.Range(1425, 158).Select(i => $"IM-{i:D4}-0001.png"), Names(split.Val, "NORMAL"));
        Assert.Equal(Enumerable.Range(3418, 427).Select(i => $"person{i:D4}_virus_1.png"), Names(split.Test, "PNEUMONIA"));
        Assert.Equal(Enumerable.Range(3845, 428).Select(i => $"person{i:D4}_virus_1.png"), Names(split.Val, "PNEUMONIA"));

        File.Delete(found.Files[0].Path);
        Assert.Contains("5856", Assert.Throws<UserError>(
            () => ImageSplit.Of(ImageFolder.Open(folder.Path), new SplitSettings(SplitKind.Reference))).Message);
    }

    [Fact]
    public void ALimitKeepsTheClassesInProportionAndAtLeastOneOfEach()
    {
        List<string> manifest = [];
        AddTree("train/", 100, 300, manifest);
        AddTree("val/", 1, 199, manifest);
        AddTree("test/", 3, 1, manifest);
        var found = Open(manifest);
        var split = ImageSplit.Of(found, new SplitSettings(Limit: 20, Seed: 3));
        Assert.Equal((5, 15), (split.Train.Count(file => file.Class == "NORMAL"), split.Train.Count(file => file.Class == "PNEUMONIA")));
        Assert.Equal((1, 19), (split.Val.Count(file => file.Class == "NORMAL"), split.Val.Count(file => file.Class == "PNEUMONIA")));
        Assert.Equal(4, split.Test.Count);

        Assert.Equal(split.Train, ImageSplit.Of(found, new SplitSettings(Limit: 20, Seed: 3)).Train);
        Assert.NotEqual(split.Train, ImageSplit.Of(found, new SplitSettings(Limit: 20, Seed: 4)).Train);
        Assert.Contains("--limit 1", Assert.Throws<UserError>(() => ImageSplit.Of(found, new SplitSettings(Limit: 1))).Message);
    }

    [Fact]
    public void PartsHaveLimitsOfTheirOwnBesideTheCommonOne()
    {
        List<string> manifest = [];
        AddTree("train/", 100, 300, manifest);
        AddTree("val/", 30, 30, manifest);
        AddTree("test/", 20, 60, manifest);
        var found = Open(manifest);
        (int, int, int) Counts(SplitSettings settings) =>
            ImageSplit.Of(found, settings) is var split ? (split.Train.Count, split.Val.Count, split.Test.Count) : default;
        Assert.Equal((200, 60, 40), Counts(new SplitSettings(Limits: new PartLimits(Train: 200, Test: 40))));
        Assert.Equal((50, 50, 40), Counts(new SplitSettings(Limit: 50, Limits: new PartLimits(Train: 200, Test: 40))));
        Assert.Equal((400, 60, 80), Counts(new SplitSettings(Limits: new PartLimits())));
    }

    [Fact]
    public void ABalancedDivisionKeepsAsManyOfEachClass()
    {
        List<string> manifest = [];
        AddTree("train/", 100, 300, manifest);
        AddTree("val/", 30, 40, manifest);
        AddTree("test/", 20, 7, manifest);
        var found = Open(manifest);
        var split = ImageSplit.Of(found, new SplitSettings(Limits: new PartLimits(120, 364, 274), Balanced: true));
        foreach (var (part, ofEach) in new[] { (split.Train, 60), (split.Val, 30), (split.Test, 7) })
            Assert.Equal((ofEach, ofEach), (part.Count(file => file.Class == "NORMAL"), part.Count(file => file.Class == "PNEUMONIA")));
        Assert.Contains(split.Notes, note => note.EndsWith("120 train, 60 val, 14 test", StringComparison.Ordinal));
    }

    [Fact]
    public void ImpossibleSplitsAreRefused()
    {
        List<string> manifest = [];
        AddTree("", 2, 9, manifest);
        var found = Open(manifest);
        Assert.Contains("class NORMAL", Assert.Throws<UserError>(() => ImageSplit.Of(found, new SplitSettings())).Message);
        Assert.Contains("flat folder", Assert.Throws<UserError>(() => ImageSplit.Of(found, new SplitSettings(SplitKind.Folders))).Message);
        Assert.Contains("--fractions", Assert.Throws<UserError>(
            () => ImageSplit.Of(found, new SplitSettings(SplitKind.Reference, SplitFractions.Default))).Message);
    }

    [Fact]
    public void ARandomSplitWarns()
    {
        List<string> manifest = [];
        AddTree("", 30, 90, manifest);
        var split = ImageSplit.Of(Open(manifest), new SplitSettings(SplitKind.Random));
        Assert.Contains(split.Notes, note => note.Contains("patients are in more than one part"));
    }

    private int pixels;

    private void AddImages(string below, int count)
    {
        for (var i = 0; i < count; i++) folder.AddImage($"{below}/{(i % 2 == 0 ? "NORMAL" : "PNEUMONIA")}/{below}{i}.png", ++pixels);
    }

    /// <summary>The same pixels under other names, across all three parts, and once within train, which affects no metric.</summary>
    [Fact]
    public void CopiesOfEarlierPartsAreLeftOutOfValAndTestAndNamed()
    {
        AddImages("train", 60);
        AddImages("val", 60);
        AddImages("test", 20);
        folder.AddImage("train/NORMAL/copy in train.png", 1);
        folder.AddImage("val/NORMAL/of train.png", 2);
        folder.AddImage("test/PNEUMONIA/of train.png", 3);
        folder.AddImage("test/NORMAL/of val.png", 61);
        folder.AddImage("test/NORMAL/copy in test.png", 121);
        var found = ImageFolder.Open(folder.Path);
        var split = ImageSplit.Of(found, new SplitSettings());
        Assert.Equal((61, 60, 21), (split.Train.Count, split.Val.Count, split.Test.Count));
        Assert.Equal(3, split.CopiesAcrossParts);
        Assert.Equal([new LeftOut(LeftOutKind.Copy, 3, "val/NORMAL/of train.png")], split.LeftOut);
        string note = Assert.Single(split.Notes, note => note.StartsWith("left out: 3 images", StringComparison.Ordinal));
        foreach (var pair in new[] { "val/NORMAL/of train.png = train/PNEUMONIA/train1.png", "test/NORMAL/of val.png = "
            + "val/NORMAL/val0.png" })
            Assert.Contains(pair, note);
        Assert.Equal(3, DatasetCheck.Of(found).CopiesAcrossParts);

        // A split by patient keeps copies together and leaves none out.
        var byPatient = ImageSplit.Of(found, new SplitSettings(SplitKind.Patient));
        Assert.Equal((0, found.Files.Count),
            (byPatient.CopiesAcrossParts, byPatient.Train.Count + byPatient.Val.Count + byPatient.Test.Count));

        var random = ImageSplit.Of(found, new SplitSettings(SplitKind.Random));
        Assert.Equal(found.Files.Count, random.CopiesAcrossParts + random.Train.Count + random.Val.Count + random.Test.Count);
    }

    [Fact]
    public void AValidationFolderOfCopiesGivesWayToATenthOfTrain()
    {
        AddImages("train", 60);
        AddImages("test", 20);
        for (var i = 0; i < 60; i++) folder.AddImage($"val/NORMAL/{i}.png", i + 1);
        // Images of the unused val folder.
        folder.AddImage("val/NORMAL/own.png", 999);
        folder.AddImage("test/NORMAL/of val.png", 999);
        var split = ImageSplit.Of(ImageFolder.Open(folder.Path), new SplitSettings());
        Assert.Equal((60, 21), (split.Train.Count + split.Val.Count, split.Test.Count));
        Assert.All(split.Val, file => Assert.StartsWith("train/", file.RelativePath));
        Assert.Equal([new LeftOut(LeftOutKind.Folder, 1, "val/NORMAL/own.png"), new LeftOut(LeftOutKind.Copy, 60, "val/NORMAL/0.png")],
            split.LeftOut);
        Assert.Contains(split.Notes,
            note => note.StartsWith("val has only 1 images that are not copies of others in train", StringComparison.Ordinal));
    }

    [Fact]
    public void PatientsOnBothSidesOfATreeAreCounted()
    {
        AddImages("train", 60);
        AddImages("val", 60);
        folder.AddImage("train/NORMAL/person7_1.png", 1001);
        folder.AddImage("val/NORMAL/person7_2.png", 1002);
        var split = ImageSplit.Of(ImageFolder.Open(folder.Path), new SplitSettings());
        Assert.Equal(new PatientCount("personN", 2, 122, 1, 1), split.Patients);
        Assert.Contains(split.Notes, note => note.StartsWith("1 patients are in more than one part (personN)", StringComparison.Ordinal));
    }

    [SkippableFact]
    public void RealPatientsStayApart()
    {
        RealXrays.SkipIfMissing();
        var split = ImageSplit.Of(ImageFolder.Open(RealXrays.Folder!), new SplitSettings(SplitKind.Patient));
        Assert.InRange(split.Test.Count, 500, 546);
        Assert.DoesNotContain(split.Notes, note => note.Contains("more than one part"));
    }
}
