namespace Convolve.Pneumonia.Images;

/// <summary>An image file that cannot be decoded: missing, empty, cut off, damaged, or not an image. The message names the file.</summary>
public sealed class UnreadableImage : UserError
{
    public UnreadableImage(string path, string reason) : base($"{path}: {reason}")
    {
        ImagePath = path;
        Reason = reason;
    }

    public string ImagePath { get; }

    /// <summary>What is wrong with it, without the path.</summary>
    public string Reason { get; }

    /// <summary>Whether the file itself could not be read, as those of a drive that is gone; else its content is at fault.</summary>
    public bool IsMissing { get; init; }
}
