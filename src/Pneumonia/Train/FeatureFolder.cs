using System.Globalization;
using Convolve.Engine.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>The folder in which <c>--features</c> keeps outputs of frozen bases, and its size limit.</summary>
public static class FeatureFolder
{
    /// <summary>The environment variable with another limit, in GiB; 0 keeps only what is in use.</summary>
    public const string LimitVariable = "CONVOLVE_FEATURES_GIB";

    /// <summary>Default limit of the folder in GiB: sixty datasets of 5,000 images of 150 pixels, or one cut after VGG19's first
    /// block.</summary>
    public const string DefaultLimit = "10";

    /// <summary>The folder.</summary>
    public static string Path => System.IO.Path.Combine(UserCache.Folder, "features");

    /// <summary>Size limit of the folder, GiB.</summary>
    /// <exception cref="UserError">The environment variable is not a number.</exception>
    public static double Limit
    {
        get
        {
            var text = Environment.GetEnvironmentVariable(LimitVariable);
            if (string.IsNullOrWhiteSpace(text)) text = DefaultLimit;
            return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value is >= 0 and <= 1e6
                ? value
                : throw new UserError($"{LimitVariable}: '{text}' is not a size for the features on disk; set a number of GiB from 0 to a "
                    + $"million, such as {DefaultLimit}");
        }
    }
}
