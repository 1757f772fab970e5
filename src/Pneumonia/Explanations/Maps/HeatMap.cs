namespace Convolve.Pneumonia.Explanations;

/// <summary>A number for every pixel of an image.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
/// <param name="Values">[Height, Width].</param>
public sealed record HeatMap(int Height, int Width, float[] Values)
{
    /// <summary>Its largest value.</summary>
    public float Largest => Values.Max();

    /// <summary>The largest distance of a value from zero.</summary>
    public float LargestMagnitude => Values.Max(Math.Abs);

    /// <summary>The pixel with the largest value, the first of several.</summary>
    public (int X, int Y) Peak => Array.IndexOf(Values, Largest) switch { var place => (place % Width, place / Width) };

    /// <summary>
    /// A map of units spread over an image: each unit's value stands in the middle of what it sees, values between are interpolated
    /// linearly in both directions, and beyond the outermost middles, the outermost values repeat.
    /// </summary>
    /// <param name="units">[rows, columns].</param>
    /// <param name="rows">Rows of units.</param>
    /// <param name="columns">Columns of units.</param>
    /// <param name="field">What they see.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    public static HeatMap Spread(ReadOnlySpan<float> units, int rows, int columns, ReceptiveField field, int height, int width)
    {
        var values = new float[height * width];
        for (var y = 0; y < height; y++)
        {
            (var above, var down) = Place(field.Rows, rows, y);
            var below = Math.Min(above + 1, rows - 1);
            for (var x = 0; x < width; x++)
            {
                (var left, var across) = Place(field.Columns, columns, x);
                var right = Math.Min(left + 1, columns - 1);
                var top = units[above * columns + left] * (1 - across) + units[above * columns + right] * across;
                var bottom = units[below * columns + left] * (1 - across) + units[below * columns + right] * across;
                values[y * width + x] = (float)(top * (1 - down) + bottom * down);
            }
        }
        return new HeatMap(height, width, values);
    }

    // The unit at or before a pixel's middle, and how far it is from there to the next one.
    private static (int Unit, double Share) Place(FieldOfView field, int units, int pixel)
    {
        var place = Math.Clamp((pixel + 0.5 - field.Centre(0)) / field.Step, 0, units - 1);
        return ((int)place, place - (int)place);
    }
}
