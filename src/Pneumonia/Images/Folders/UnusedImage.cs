namespace Convolve.Pneumonia.Images;

/// <summary>Why a file that looks like an image is not used.</summary>
public enum UnusedReason
{
    /// <summary>Its format is not read.</summary>
    OtherFormat,

    /// <summary>It lies beside the class folders.</summary>
    OutsideClasses,

    /// <summary>It lies in a folder beside the parts.</summary>
    OutsideParts,

    /// <summary>It lies in a folder of masks, which are no X-rays.</summary>
    Mask,

    /// <summary>Its name, or that of a folder above it, is one that systems and programs use for themselves.</summary>
    Hidden,

    /// <summary>It is a link that leads nowhere or in a circle.</summary>
    BrokenLink,

    /// <summary>Its name cannot be opened, for its bytes are not UTF-8.</summary>
    NameNotUtf8,

    /// <summary>It is a link to what was read already.</summary>
    LinkToUsed,
}

/// <summary>A file that looks like an image and is not used.</summary>
/// <param name="Path">Where it is, relative to the folder that was looked through.</param>
/// <param name="Reason">Why it is not used.</param>
public readonly record struct UnusedImage(string Path, UnusedReason Reason)
{
    /// <summary>The kind under which it is counted.</summary>
    public LeftOutKind Kind => Reason switch
    {
        UnusedReason.OtherFormat => LeftOutKind.Format,
        UnusedReason.Hidden => LeftOutKind.Hidden,
        UnusedReason.BrokenLink or UnusedReason.NameNotUtf8 => LeftOutKind.Damaged,
        UnusedReason.LinkToUsed => LeftOutKind.Copy,
        _ => LeftOutKind.Folder,
    };

    /// <summary>Unused images counted by kind.</summary>
    public static IReadOnlyList<LeftOut> Counts(IEnumerable<UnusedImage> images) =>
        LeftOut.Together(images.Select(image => new LeftOut(image.Kind, 1, image.Path)));

    /// <summary>One line for each reason, with the number of images and the first of them.</summary>
    public static IReadOnlyList<string> Notes(IEnumerable<UnusedImage> images) =>
    [
        .. images.GroupBy(image => image.Reason).OrderBy(group => group.Key)
            .Select(group => Note(group.Key, [.. group.Select(image => image.Path)])),
    ];

    private static string FormatOf(string path) =>
        ImageFormats.IsKnownButNotRead(path) ? System.IO.Path.GetExtension(path).ToLowerInvariant() : "DICOM without an ending";

    private static string Note(UnusedReason reason, string[] paths)
    {
        var n = paths.Length;
        var images = n == 1 ? "1 image" : $"{n} images";
        var what = reason switch
        {
            UnusedReason.OtherFormat => $"{images} in unsupported formats "
                + $"({string.Join(", ", paths.Select(FormatOf).Distinct().Order(StringComparer.Ordinal))})",
            UnusedReason.OutsideClasses => $"{images} beside the class folders",
            UnusedReason.OutsideParts => $"{images} in folders beside the parts",
            UnusedReason.Mask => $"{images} in folders of masks",
            UnusedReason.Hidden => n == 1 ? "1 hidden image" : $"{n} hidden images",
            UnusedReason.BrokenLink => n == 1 ? "1 link that leads nowhere" : $"{n} links that lead nowhere",
            UnusedReason.NameNotUtf8 => $"{images} whose {(n == 1 ? "name is" : "names are")} not UTF-8; "
                + $"rename {(n == 1 ? "it" : "them")}, for example with convmv:",
            _ => n == 1 ? "1 link to what is read already" : $"{n} links to what is read already",
        };
        var example = reason == UnusedReason.NameNotUtf8 ? " " : n == 1 ? ": " : ", such as ";
        var advice = ImageFormats.Advice(paths[0]) is { } command ? $"; {command}" : "";
        return $"left out: {what}{example}{paths[0]}{advice}";
    }
}
