namespace Convolve.Pneumonia.Images;

/// <summary>An image file that cannot be decoded: empty, cut off, damaged, not an image, or of a kind that is not read. The message names the file.</summary>
public sealed class UnreadableImage : UserError
{
    /// <param name="path">The file.</param>
    /// <param name="reason">What is wrong with it, as the end of a sentence that begins with the path.</param>
    /// <param name="advice">What to do about it, where that is more than to fetch or make the file again: "convert it to PNG (…)".</param>
    public UnreadableImage(string path, string reason, string? advice = null) : base($"{path}: {WithAdvice(reason, advice)}")
    {
        ImagePath = path;
        Reason = WithAdvice(reason, advice);
        HasAdvice = advice is not null;
    }

    public string ImagePath { get; }

    /// <summary>What is wrong with it and, where <see cref="HasAdvice"/>, what to do, without the path.</summary>
    public string Reason { get; }

    /// <summary>Whether <see cref="Reason"/> ends with what to do: the file is whole, and "repair it" would be wrong.</summary>
    public bool HasAdvice { get; }

    private static string WithAdvice(string reason, string? advice) => advice is null ? reason : $"{reason}; {advice}";
}
