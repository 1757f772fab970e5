namespace Convolve.Pneumonia.Images;

/// <summary>The names by which folders of a tree are known for its parts.</summary>
public static class PartName
{
    /// <summary>The part that a folder of this name is, in any case; null for any other folder.</summary>
    public static ImagePart? PartOf(string folder) => folder.ToLowerInvariant() switch
    {
        "train" or "training" => ImagePart.Train,
        "val" or "valid" or "validation" or "dev" => ImagePart.Val,
        "test" or "testing" or "holdout" => ImagePart.Test,
        _ => null,
    };

    /// <summary>What a part is called in options and files.</summary>
    public static string Of(ImagePart part) => part.ToString().ToLowerInvariant();
}
