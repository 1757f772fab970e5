using Convolve.Engine.Randomness;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>How images are split into training, validation and test images.</summary>
public enum SplitKind
{
    /// <summary>The parts of the tree as they are.</summary>
    Folders,

    /// <summary>All images pooled and split by patient and identical pixels.</summary>
    Patient,

    /// <summary>All images pooled and split one by one.</summary>
    Random,

    /// <summary>The slices of sorted names that the reference experiments used.</summary>
    Reference,
}

/// <summary>Shares of the images that go to each part; they sum to 1.</summary>
public readonly record struct SplitFractions(double Train, double Val, double Test)
{
    public static SplitFractions Default => new(0.8, 0.1, 0.1);

    /// <summary>In the form of a command line.</summary>
    public override string ToString() => FormattableString.Invariant($"{Train},{Val},{Test}");
}

/// <summary>The most images to keep of each part; null keeps all.</summary>
public sealed record PartLimits(int? Train = null, int? Val = null, int? Test = null)
{
    /// <inheritdoc/>
    public override string ToString() => string.Join(", ", new[] { (Train, "train"), (Val, "val"), (Test, "test") }
        .Where(part => part.Item1 is not null).Select(part => $"{part.Item1} {part.Item2}"));
}

/// <summary>What the user asked for.</summary>
/// <param name="Kind">Null for the default: folders for a tree, patient otherwise.</param>
/// <param name="Fractions">Null for the default; only for patient and random.</param>
/// <param name="Limit">Images to keep of each part; null keeps all.</param>
/// <param name="Seed">Seed of every random choice here.</param>
/// <param name="Limits">Images to keep of single parts, beside <paramref name="Limit"/>.</param>
/// <param name="Balanced">Whether to balance each part: as many images of each class as its smallest class has.</param>
public sealed record SplitSettings(
    SplitKind? Kind = null, SplitFractions? Fractions = null, int? Limit = null, int Seed = 1, PartLimits? Limits = null,
    bool Balanced = false);

/// <summary>
/// Divides images into parts. The division depends on the files' names and the seed alone, never on the order of a folder's listing.
/// </summary>
/// <remarks>
/// No image is in validation or test whose pixels are those of a training image, and none in test with those of a validation image.
/// </remarks>
public static class ImageSplit
{
    private const int SmallestValidation = 50, CopiesNamed = 3;
    private const int ReferenceNormal = 1583, ReferencePneumonia = 4273;

    /// <summary>Divides the images of a folder.</summary>
    /// <returns>The images that are used, each with its part; what the user must know about the division is among the notes.</returns>
    /// <exception cref="UserError">The division asked for is impossible with these images; the message says why.</exception>
    public static ImageSet Of(ImageSet folder, SplitSettings settings, CancellationToken cancellation = default)
    {
        var kind = settings.Kind ?? (folder.HasParts ? SplitKind.Folders : SplitKind.Patient);
        if (settings.Fractions is not null && kind is SplitKind.Folders or SplitKind.Reference)
        {
            throw new UserError($"--fractions has no meaning with --split {kind.ToString().ToLowerInvariant()}, whose parts are fixed; "
                + "leave it out, or use --split patient or random");
        }
        var fractions = settings.Fractions ?? SplitFractions.Default;
        var notes = new List<string>();
        var leftOut = new List<LeftOut>();
        var copies = new CopiesOfEarlierParts(folder.Files, IdenticalPixels.Keys(folder.Files, cancellation));
        var parts = kind switch
        {
            SplitKind.Folders => Folders(folder, settings.Seed, copies, notes, leftOut),
            SplitKind.Patient => Grouped(folder.Files, Groups(folder.Files, copies), fractions, settings.Seed),
            SplitKind.Random =>
                copies.LeaveOut(Grouped(folder.Files, [.. Enumerable.Range(0, folder.Files.Count)], fractions, settings.Seed)),
            SplitKind.Reference => copies.LeaveOut(Reference(folder)),
            _ => throw new ArgumentOutOfRangeException(nameof(settings), kind, "split: unknown kind"),
        };
        if (kind is SplitKind.Patient or SplitKind.Random) CheckPooled(folder, parts, fractions);
        var shared = PatientsInSeveralParts(parts);
        var patients = folder.Patients! with { AcrossParts = shared };
        notes.Insert(0, patients.Note);
        if (kind == SplitKind.Random)
        {
            var others = patients.Rule is null ? "whether a patient is in more than one part is unknown"
                : shared > 0 ? $"{shared} patients are in more than one part, so scores are too high"
                : "no known patient happens to be in more than one part";
            notes.Add($"random split of single images: {others}; --split patient keeps them apart");
        }
        else if (shared > 0)
        {
            notes.Add($"{shared} patients are in more than one part ({patients.Rule}), so scores may be too high");
        }
        if (copies.Found.Count > 0)
        {
            var named = string.Join(", ", copies.Found.Take(CopiesNamed)
                .Select(found => $"{found.Copy.RelativePath} = {found.Original.RelativePath}"));
            notes.Add($"left out: {copies.Found.Count} images of val or test whose pixels are in an earlier part, "
                + $"since training images must not be scored: {named}{(copies.Found.Count > CopiesNamed ? ", …" : "")}");
            leftOut.Add(new LeftOut(LeftOutKind.Copy, copies.Found.Count, copies.Found[0].Copy.RelativePath));
        }
        if (parts[2].Count == 0) notes.Add("no test images: there will be no test scores");
        int?[] limits = [.. new[] { settings.Limits?.Train, settings.Limits?.Val, settings.Limits?.Test }
            .Select(limit => limit is { } own && settings.Limit is { } all ? Math.Min(own, all) : limit ?? settings.Limit)];
        for (var p = 0; p < parts.Length; p++)
        {
            if (settings.Balanced) parts[p] = Balanced(parts[p], settings.Seed);
            if (limits[p] is { } limit) parts[p] = [.. Limited(parts[p], folder.Classes, limit, settings.Seed)];
        }
        var counts = $"{parts[0].Count} train, {parts[1].Count} val, {parts[2].Count} test";
        if (settings.Balanced) notes.Add($"as many images of each class as the smallest has in each part: {counts}");
        else if (limits.All(limit => limit is not null && limit == limits[0]))
            notes.Add($"limited to {limits[0]} images of each part: {counts}");
        else if (limits.Any(limit => limit is not null)) notes.Add($"limited to a number of images of each part: {counts}");
        return folder with
        {
            Files = [.. parts.SelectMany((files, part) => files.Select(file => file with { Part = (ImagePart)part }))],
            HasParts = true,
            Notes = [.. folder.Notes, .. notes],
            Patients = patients,
            LeftOut = [.. folder.LeftOut, .. leftOut],
            Split = kind.ToString().ToLowerInvariant(),
            CopiesAcrossParts = copies.Found.Count,
        };
    }

    private static List<ImageFile>[] Folders(
        ImageSet folder, int seed, CopiesOfEarlierParts copies, List<string> notes, List<LeftOut> leftOut)
    {
        if (!folder.HasParts)
            throw new UserError($"{folder.Root}: --split folders needs a tree train, val, test of class folders; this is a flat folder: "
                + "use --split patient");
        List<ImageFile> Part(ImagePart part) => [.. folder.Files.Where(file => file.Part == part)];
        List<ImageFile> train = Part(ImagePart.Train), val = Part(ImagePart.Val), test = Part(ImagePart.Test);
        if (train.Count == 0)
            throw new UserError($"{folder.Root}: no folder train; add one, or use --split patient to divide all images anew");
        var own = copies.LeaveOut(val, train);
        if (own.Count >= SmallestValidation) return [train, own, copies.LeaveOut(test, [.. train, .. own])];

        var divided = Grouped(train, Groups(train, copies), new SplitFractions(0.9, 0.1, 0), seed);
        if (divided[0].Count == 0 || divided[1].Count == 0)
            throw new UserError($"{folder.Root}: too few images in train to set a tenth aside for validation; add a folder val with at "
                + $"least {SmallestValidation}");
        var why = val.Count == 0 ? "no val folder"
            : own.Count < val.Count ? $"val has only {own.Count} images that are not copies of others in train, which are left out"
            : $"val has only {val.Count} images, which are left out";
        var byPatient = train.Any(file => file.PatientRule is not null) ? ", divided by patient," : "";
        notes.Add($"{why}: a tenth of train{byPatient} takes its place ({divided[1].Count} images)");
        if (own.Count > 0) leftOut.Add(new LeftOut(LeftOutKind.Folder, own.Count, own[0].RelativePath));
        return [divided[0], divided[1], copies.LeaveOut(test, train)];
    }

    private static List<ImageFile>[] Reference(ImageSet folder)
    {
        // Three classes are two here: BACTERIAL and VIRAL together are the folder PNEUMONIA.
        ImageFile[] Sorted(bool normal) => [.. folder.Files
            .Where(file => string.Equals(file.Class, ImageFolder.Normal, StringComparison.OrdinalIgnoreCase) == normal)
            .OrderBy(file => file.Name, StringComparer.Ordinal).ThenBy(file => file.RelativePath, StringComparer.Ordinal)];
        ImageFile[] normal = Sorted(true), pneumonia = Sorted(false);
        if (normal.Length != ReferenceNormal || pneumonia.Length != ReferencePneumonia)
        {
            throw new UserError(
                $"{folder.Root}: --split reference is defined on 5856 images, {ReferenceNormal} NORMAL and {ReferencePneumonia} PNEUMONIA; "
                + $"here are {folder.Files.Count}, {normal.Length} NORMAL and {pneumonia.Length} others: use --split patient");
        }
        return
        [
            InOrder(normal[..1267], pneumonia[..3418]),
            InOrder(normal[1425..1583], pneumonia[3845..4273]),
            InOrder(normal[1267..1425], pneumonia[3418..3845]),
        ];

        static List<ImageFile> InOrder(ImageFile[] a, ImageFile[] b) =>
            [.. a.Concat(b).OrderBy(file => file.RelativePath, StringComparer.Ordinal)];
    }

    // Number of the group of every file: files of one patient, or with identical pixels, share it, also through third ones.
    private static int[] Groups(IReadOnlyList<ImageFile> files, CopiesOfEarlierParts copies)
    {
        var parent = new int[files.Count];
        for (var i = 0; i < parent.Length; i++) parent[i] = i;
        int Root(int i)
        {
            while (parent[i] != i) i = parent[i] = parent[parent[i]];
            return i;
        }
        void JoinEqual(Func<int, string?> key)
        {
            var first = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var i = 0; i < files.Count; i++)
            {
                if (key(i) is not { } name || first.TryAdd(name, i)) continue;
                int a = Root(first[name]), b = Root(i);
                parent[Math.Max(a, b)] = Math.Min(a, b);
            }
        }
        JoinEqual(i => files[i].Patient);
        JoinEqual(i => copies.KeyOf(files[i]));
        return [.. Enumerable.Range(0, files.Count).Select(Root)];
    }

    // Groups in random order, each to the part that lacks the largest share of what it should have of the group's classes.
    private static List<ImageFile>[] Grouped(IReadOnlyList<ImageFile> files, int[] groupOf, SplitFractions fractions, int seed)
    {
        string[] classes = [.. files.Select(file => file.Class).Distinct().Order(StringComparer.Ordinal)];
        int[] classOf = [.. files.Select(file => Array.IndexOf(classes, file.Class))];
        double[] share = [fractions.Train, fractions.Val, fractions.Test];
        var parts = new List<ImageFile>[] { [], [], [] };
        var have = new int[3, classes.Length];
        int[] total = [.. Enumerable.Range(0, classes.Length).Select(c => classOf.Count(of => of == c))];

        var groups = Enumerable.Range(0, files.Count).GroupBy(i => groupOf[i]).Select(group => group.ToArray())
            .OrderBy(group => new RandomStream(seed, files[group[0]].RelativePath).Bits(0))
            .ThenBy(group => files[group[0]].RelativePath, StringComparer.Ordinal);
        foreach (var group in groups)
        {
            var best = -1;
            var largest = double.NegativeInfinity;
            for (var p = 0; p < 3; p++)
            {
                if (share[p] <= 0) continue;
                double lacking = 0;
                foreach (var i in group)
                {
                    var target = share[p] * total[classOf[i]];
                    lacking += (target - have[p, classOf[i]]) / target;
                }
                if (lacking > largest) (best, largest) = (p, lacking);
            }
            foreach (var i in group)
            {
                parts[best].Add(files[i]);
                have[best, classOf[i]]++;
            }
        }
        foreach (var part in parts) part.Sort((a, b) => string.CompareOrdinal(a.RelativePath, b.RelativePath));
        return parts;
    }

    private static void CheckPooled(ImageSet folder, List<ImageFile>[] parts, SplitFractions fractions)
    {
        double[] share = [fractions.Train, fractions.Val, fractions.Test];
        for (var p = 0; p < 3; p++)
        {
            if (share[p] <= 0) continue;
            foreach (var name in folder.Classes)
            {
                if (!parts[p].Any(file => file.Class == name))
                {
                    throw new UserError(
                        $"{folder.Root}: too few images or patients of class {name}: none is left for {PartName.Of((ImagePart)p)}; "
                        + $"add images, or give --fractions with fewer parts ({folder.Patients})");
                }
            }
        }
    }

    private static int PatientsInSeveralParts(List<ImageFile>[] parts) => parts
        .SelectMany((files, part) => files.Where(file => file.PatientRule is not null).Select(file => (file.Patient, part))).Distinct()
        .GroupBy(entry => entry.Patient, StringComparer.Ordinal).Count(group => group.Count() > 1);

    // As many images of each class as the smallest has.
    private static List<ImageFile> Balanced(List<ImageFile> files, int seed)
    {
        if (files.Count == 0) return files;
        var smallest = files.GroupBy(file => file.Class).Min(group => group.Count());
        return
        [
            .. files.GroupBy(file => file.Class).SelectMany(group => InRandomOrder(group, seed).Take(smallest))
                .OrderBy(file => file.RelativePath, StringComparer.Ordinal),
        ];
    }

    private static IEnumerable<ImageFile> InRandomOrder(IEnumerable<ImageFile> files, int seed) =>
        files.OrderBy(file => new RandomStream(seed, file.RelativePath).Bits(1)).ThenBy(file => file.RelativePath, StringComparer.Ordinal);

    /// <summary>
    /// So many images, the classes in their proportions (largest remainder), at least one of each; all where there are no more.
    /// </summary>
    /// <param name="files">The images.</param>
    /// <param name="classes">Names of the classes.</param>
    /// <param name="limit">Images to keep.</param>
    /// <param name="seed">Chooses which.</param>
    /// <exception cref="UserError">There are more classes than images to keep.</exception>
    public static IReadOnlyList<ImageFile> Limited(IReadOnlyList<ImageFile> files, IReadOnlyList<string> classes, int limit, int seed)
    {
        if (files.Count <= limit) return files;
        ImageFile[][] ofClass = [.. classes.Select(name => InRandomOrder(files.Where(file => file.Class == name), seed).ToArray())
            .Where(list => list.Length > 0)];
        if (limit < ofClass.Length)
            throw new UserError($"--limit {limit}: keeps fewer images than there are classes; allowed: {ofClass.Length} or more");
        var keep = Apportion([.. ofClass.Select(list => list.Length)], limit);
        return [.. ofClass.SelectMany((list, c) => list.Take(keep[c])).OrderBy(file => file.RelativePath, StringComparer.Ordinal)];
    }

    private static int[] Apportion(int[] counts, int seats)
    {
        double total = counts.Sum();
        double[] exact = [.. counts.Select(count => count * seats / total)];
        int[] keep = [.. exact.Select(value => Math.Max(1, (int)value))];
        while (keep.Sum() != seats)
        {
            var step = Math.Sign(seats - keep.Sum());
            int[] movable = [.. Enumerable.Range(0, keep.Length).Where(c => step > 0 ? keep[c] < counts[c] : keep[c] > 1)];
            keep[movable.MaxBy(c => step * (exact[c] - keep[c]))] += step;
        }
        return keep;
    }
}
