using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// An image file that cannot be decoded: missing, empty, cut off, damaged, not an image, or of a kind that is not read. The message names
/// the file.
/// </summary>
public sealed class UnreadableImage : UserError
{
    /// <param name="path">The file.</param>
    /// <param name="reason">What is wrong with it, as the end of a sentence that begins with the path.</param>
    /// <param name="advice">What to do about it, where that is more than to fetch or make the file again: "convert it to PNG (…)".</param>
    public UnreadableImage(string path, string reason, string? advice = null) : base($"{path}: {WithAdvice(reason, advice)}")
    {
        ImagePath = path;
        Reason = WithAdvice(reason, advice);
    }

    public string ImagePath { get; }

    /// <summary>What is wrong with it and, where that is more than to fetch or make it again, what to do, without the path.</summary>
    public string Reason { get; }

    /// <summary>Whether the file itself could not be read, as those of a drive that is gone; else its content is at fault.</summary>
    public bool IsMissing { get; init; }

    private static string WithAdvice(string reason, string? advice) => advice is null ? reason : $"{reason}; {advice}";
}
