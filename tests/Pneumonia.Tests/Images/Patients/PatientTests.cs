using System.Diagnostics;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class PatientTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("PNEUMONIA/person12_bacteria_3.jpeg", "person12", "personN")]
    [InlineData("NORMAL/IM-0115-0001.jpeg", "IM-0115", "IM-NNNN")]
    [InlineData("NORMAL/NORMAL2-IM-0115-0001-0002.jpeg", "IM-0115", "IM-NNNN")]
    [InlineData("NORMAL/NORMAL-1003233-0001.jpeg", "1003233", "CLASS-ID-N")]
    [InlineData("PNEUMONIA/BACTERIA-1008087-0002.jpeg", "1008087", "CLASS-ID-N")]
    [InlineData("PNEUMONIA/virus-1008087-0002.png", "1008087", "CLASS-ID-N")]
    [InlineData("No Finding/00001335_006.png", "00001335", "NNNNNNNN_NNN")]
    [InlineData("No Finding/00001335_006 (1).png", "00001335", "NNNNNNNN_NNN")]
    [InlineData("Edema/patient00012_study1_view1_frontal.jpg", "patient00012", "patientNNNNN")]
    [InlineData("Edema/patient00012/study1/view1_frontal.jpg", "patient00012", "patientNNNNN")]
    [InlineData("Edema/p10000032/s50414267/02aa804e.jpg", "p10000032", "pNNNNNNNN")]
    [InlineData("COVID/sub-S03047/ses-E07985/scan.png", "sub-S03047", "sub-LABEL")]
    // A folder that names the patient takes precedence over a file name that numbers series, as in viewers' exports.
    [InlineData("NORMAL/patient7/IM-0001-0003.jpeg", "patient7", "patientNNNNN")]
    [InlineData("NORMAL/img_1.png", null, null)]
    [InlineData("NORMAL/0001.jpeg", null, null)]
    [InlineData("NORMAL/salesperson12.jpeg", null, null)]
    [InlineData("NORMAL/inpatient12.jpeg", null, null)]
    [InlineData("NORMAL/NORMAL-12.jpeg", null, null)]
    [InlineData("NORMAL/COVID-12-1.jpeg", null, null)]
    [InlineData("NORMAL/20200131_001.png", null, null)]
    [InlineData("NORMAL/00001335_0061.png", null, null)]
    [InlineData("NORMAL/000013350_006.png", null, null)]
    [InlineData("NORMAL/IM-12.png", null, null)]
    [InlineData("NORMAL/p1/1.png", null, null)]
    [InlineData("NORMAL/sub-/1.png", null, null)]
    [InlineData("NORMAL/0004cfab-14fd-4e49-80ba-63a80b6bddd6.png", null, null)]
    public void PatientsAreReadOffNamesThatNameThemAndNoOthers(string path, string? patient, string? rule)
    {
        var told = PatientName.Of(path);
        Assert.Equal((patient, rule), (told?.Patient, told?.Rule));
    }

    [Theory]
    [InlineData("person12_bacteria_3.jpeg", "bacteria")]
    [InlineData("person12_VIRUS_3.jpeg", "virus")]
    [InlineData("BACTERIA-1008087-0002.jpeg", "bacteria")]
    [InlineData("VIRUS-1008087-0002.jpeg", "virus")]
    [InlineData("bacteria.jpeg", null)]
    [InlineData("NORMAL-1003233-0001.jpeg", null)]
    public void TheKindOfPneumoniaIsReadOffNames(string name, string? kind) => Assert.Equal(kind, PatientName.KindOf(name));

    [Theory]
    [InlineData("study([0-9]+)_", "NORMAL/study12_3.png", "12")]
    [InlineData("^[^/]+/([^/]+)/", "NORMAL/Anna/3.png", "Anna")]
    [InlineData("(?:a|b)(?<who>[0-9]+)", "NORMAL/b7.png", "7")]
    [InlineData("study([0-9]*)_", "NORMAL/study_3.png", null)]
    [InlineData("study([0-9]+)_", "NORMAL/3.png", null)]
    public void TheUsersOwnRuleIsMatchedOnThePath(string expression, string path, string? patient) =>
        Assert.Equal(patient, PatientExpression.Parse(expression).Of(path)?.Patient);

    [Theory]
    [InlineData("study[0-9]+", "has no group")]
    [InlineData("(study)([0-9]+)", "has 2 groups")]
    [InlineData("study([0-9]+", "is not a regular expression")]
    [InlineData("", "has no group")]
    public void ARuleWithoutExactlyOneGroupIsRefused(string expression, string mention)
    {
        var error = Assert.Throws<UserError>(() => PatientExpression.Parse(expression));
        Assert.Contains(mention, error.Message);
        Assert.StartsWith("--patient", error.Message);
    }

    [Fact]
    public void ARuleThatBacktracksWithoutEndIsStopped()
    {
        var endless = PatientExpression.Parse("^(?:aa|(a))+x$");
        var watch = Stopwatch.StartNew();
        Assert.Contains("takes more than", Assert.Throws<UserError>(() => endless.Of(new string('a', 60) + "/2")).Message);
        // Without a limit it would take more than a century.
        Assert.True(watch.Elapsed < TimeSpan.FromMinutes(1));
    }

    private ImageSet Open(string? rule, params string[] paths)
    {
        foreach (var path in paths) folder.AddImage(path, path.GetHashCode());
        return ImageFolder.Find(folder.Path, patient: rule);
    }

    [Fact]
    public void HowManyImagesToldAPatientIsCountedByRule()
    {
        var told = Open(null, "A/person1_1.png", "A/person1_2.png", "A/IM-0001-1.png", "B/x.png").Patients!;
        Assert.Equal(new PatientCount("personN + IM-NNNN", 3, 4, 2, 0), told);
        Assert.False(told.IsEnough);
        Assert.Contains("known for 3 of 4 images", told.ToString());
        Assert.Contains("no figure applies to new patients", told.ToString());
        Assert.Contains("--patient", told.ToString());
    }

    [Fact]
    public void WhereNoImageTellsAPatientThatIsSaid()
    {
        var told = Open(null, "A/img_1.png", "B/img_2.png").Patients!;
        Assert.Equal(new PatientCount(null, 0, 2), told);
        Assert.Contains("no name of the 2 images", told.ToString());
    }

    [Fact]
    public void TheUsersRuleGoesBeforeTheManifestAndBeforeNames()
    {
        folder.Add("manifest.csv", "path,patient\nA/person1_7.png,Anna\n");
        var found = Open("_([0-9]+)", "A/person1_7.png", "A/person2_7.png", "B/other.png");
        Assert.Equal(["7", "7", "B/other.png"], found.Files.Select(file => file.Patient));
        Assert.Equal(new PatientCount("--patient _([0-9]+)", 2, 3, 1), found.Patients);
        Assert.Contains("none of 3 images", Assert.Throws<UserError>(() => ImageFolder.Find(folder.Path, patient: "Z(z)")).Message);

        Assert.Equal(["Anna", "person2", "B/other.png"], ImageFolder.Find(folder.Path).Files.Select(file => file.Patient));
    }

    [Fact]
    public void NearlyAllIsEnoughToSpeakOfPatients()
    {
        Assert.True(new PatientCount("personN", 90, 100, 50).IsEnough);
        Assert.False(new PatientCount("personN", 89, 100, 50).IsEnough);
        Assert.Contains("each of the other 10 counts as one patient", new PatientCount("personN", 90, 100, 50).ToString());
        Assert.Contains("with one image each", new PatientCount("personN", 9, 9, 9).ToString());
    }

    /// <summary>The edition of the Kermany dataset with names CLASS-patient-number: four images per patient.</summary>
    [Theory]
    [InlineData(LabelScheme.Folders)]
    [InlineData(LabelScheme.Three)]
    public void PatientsOfTheMendeleyEditionStayApart(LabelScheme labels)
    {
        for (var i = 0; i < 80; i++)
        {
            folder.AddImage($"NORMAL/NORMAL-{1003233 + i / 4 * 97:D7}-{i % 4 + 1:D4}.png", i);
            folder.AddImage($"PNEUMONIA/{(i / 4 % 2 == 1 ? "VIRUS" : "BACTERIA")}-{1008087 + i / 4 * 89:D7}-{i % 4 + 1:D4}.png", 1000 + i);
        }
        var found = ImageFolder.Open(folder.Path, labels);
        var split = ImageSplit.Of(found, new SplitSettings(SplitKind.Patient));
        Assert.Equal(new PatientCount("CLASS-ID-N", 160, 160, 40, 0), split.Patients);
        string PatientOf(ImageFile file) => file.Name.Split('-')[1];
        Assert.Empty(split.Train.Select(PatientOf).Intersect(split.Test.Concat(split.Val).Select(PatientOf)));
        Assert.Empty(split.Val.Select(PatientOf).Intersect(split.Test.Select(PatientOf)));
        if (labels == LabelScheme.Three) Assert.Equal(["BACTERIAL", "NORMAL", "VIRAL"], found.Classes);
    }

    [Fact]
    public void NothingIsClaimedOfPatientsThatNobodyKnows()
    {
        for (var i = 0; i < 60; i++) folder.AddImage($"{(i % 2 == 0 ? "NORMAL" : "COVID")}/img_{i}.png", i);
        var found = ImageFolder.Open(folder.Path);
        Assert.StartsWith("warning: patients unknown", ImageSplit.Of(found, new SplitSettings(SplitKind.Patient)).Notes[0]);
        Assert.Contains(ImageSplit.Of(found, new SplitSettings(SplitKind.Random)).Notes, note => note.Contains("is unknown"));
    }
}
