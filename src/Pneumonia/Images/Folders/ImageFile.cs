namespace Convolve.Pneumonia.Images;

/// <summary>The part of a data set that an image belongs to.</summary>
public enum ImagePart { Train, Val, Test }

/// <summary>How the class of an image is found.</summary>
public enum LabelScheme
{
    /// <summary>The name of its folder.</summary>
    Folders,

    /// <summary>
    /// BACTERIAL, NORMAL or VIRAL, from the file's name (<c>person12_virus_34.jpeg</c>, <c>VIRUS-1008087-0001.jpeg</c>) and the folder
    /// NORMAL.
    /// </summary>
    Three,
}

/// <summary>One image of a data set.</summary>
/// <param name="Path">Where the file is.</param>
/// <param name="RelativePath">The path below the data folder, with forward slashes on every system.</param>
/// <param name="Class">Name of the class.</param>
/// <param name="Patient">Key of the patient; images with the same key are of the same person. The relative path where the
/// patient is unknown.</param>
/// <param name="Part">The part it lies in or was assigned to; null in a folder without parts.</param>
/// <param name="DuplicateGroup">What the manifest says about identical pixels: images with the same non-empty value are
/// copies of each other, an empty one has no copy, null means that the manifest does not say.</param>
public sealed record ImageFile(
    string Path, string RelativePath, string Class, string Patient, ImagePart? Part, string? DuplicateGroup = null)
{
    /// <summary>What identified the patient; null where it is unknown, and the image counts as one patient.</summary>
    public string? PatientRule { get; init; }

    /// <summary>The file's own name, without folders.</summary>
    public string Name => RelativePath[(RelativePath.LastIndexOf('/') + 1)..];
}
