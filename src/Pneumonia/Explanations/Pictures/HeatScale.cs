namespace Convolve.Pneumonia.Explanations;

/// <summary>Which colour a value has, and how much of the picture below still shows.</summary>
/// <param name="Lowest">The value at the lower end of the scale.</param>
/// <param name="Highest">The value at its upper end.</param>
public readonly record struct HeatScale(float Lowest, float Highest)
{
    private const double Opacity = 0.62;

    // Dark to bright, so that order survives a black-and-white print; and blue against, orange for, as colour-blind eyes can tell.
    private static readonly (int Red, int Green, int Blue)[] warm = [(60, 15, 110), (180, 35, 100), (240, 105, 35), (253, 231, 110)];
    private static readonly (int Red, int Green, int Blue)[] cold = [(90, 110, 150), (33, 113, 210), (120, 200, 255)];

    /// <summary>From nothing to a largest value.</summary>
    public static HeatScale UpTo(float largest) => new(0, largest);

    /// <summary>As far below zero as above.</summary>
    public static HeatScale Around(float magnitude) => new(-magnitude, magnitude);

    /// <summary>The colour of a value over a gray one.</summary>
    public (byte Red, byte Green, byte Blue) Over(byte gray, float value)
    {
        var end = value < 0 ? Lowest : Highest;
        double share = end == 0 ? 0 : Math.Clamp(value / end, 0, 1);
        (var red, var green, var blue) = Along(value < 0 ? cold : warm, share);
        // What is near zero is clear: the X-ray itself.
        var opacity = Opacity * Math.Min(1, 2.5 * share);
        return (Mix(red), Mix(green), Mix(blue));

        byte Mix(double colour) => (byte)(gray + (colour - gray) * opacity + 0.5);
    }

    private static (double, double, double) Along((int Red, int Green, int Blue)[] colours, double share)
    {
        var place = share * (colours.Length - 1);
        var from = Math.Min((int)place, colours.Length - 2);
        var part = place - from;
        var (a, b) = (colours[from], colours[from + 1]);
        return (a.Red + (b.Red - a.Red) * part, a.Green + (b.Green - a.Green) * part, a.Blue + (b.Blue - a.Blue) * part);
    }
}
