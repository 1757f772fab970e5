using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// A way in which another machine, hospital or export may draw the same chest, the same for every image. A network whose figures fall under
/// one of them has learned the machine, not the illness.
/// </summary>
/// <param name="Name">What is done, in words.</param>
/// <param name="RowZoom">Step between source rows: below 1 rows above and below are cut off, above 1 black ones are added.</param>
/// <param name="ColumnZoom">The same for columns.</param>
/// <param name="Tone">What becomes of the values.</param>
public sealed record ImageChange(string Name, double RowZoom, double ColumnZoom, ToneChange Tone)
{
    /// <summary>The changes that <c>evaluate --stress</c> tries.</summary>
    public static IReadOnlyList<ImageChange> All { get; } =
    [
        Toned("blurred", ToneChange.None with { Sharpness = -1 }),
        Toned("sharpened", ToneChange.None with { Sharpness = 1.5f }),
        Toned("noise of 5 %", ToneChange.None with { Noise = 0.05f, NoiseKey = 5 }),
        Toned("gamma 0.6", ToneChange.None with { Gamma = 0.6f }),
        Toned("gamma 1.6", ToneChange.None with { Gamma = 1.6f }),
        Toned("contrast × 0.6", ToneChange.None with { Contrast = 0.6f }),
        Toned("contrast × 1.3", ToneChange.None with { Contrast = 1.3f }),
        Zoomed("a tenth cut off on every side", 0.8, 0.8),
        Zoomed("a tenth cut off left and right", 1, 0.8),
        Zoomed("a tenth cut off above and below", 0.8, 1),
        Zoomed("a black frame of a sixteenth", 1.125, 1.125),
    ];

    /// <summary>Changes an image in place.</summary>
    /// <param name="pixels">[side, side, channels].</param>
    /// <param name="side">Width and height.</param>
    /// <param name="channels">Channels.</param>
    public void Apply(Span<byte> pixels, int side, int channels)
    {
        var shape = new Shape(1, side, side, channels);
        var centre = (side - 1) / 2.0;
        var map = new AffineMap((float)RowZoom, 0, (float)(centre - RowZoom * centre), 0, (float)ColumnZoom,
            (float)(centre - ColumnZoom * centre));
        var moved = AugmentationReference.Apply(AugmentationGeometry.Create(shape, Fill.Constant), pixels, [map], PixelScaling.None);
        var toned = ToneReference.Apply(shape, [.. moved.Select(value => (float)value)], [Tone], PixelScaling.None);
        for (var i = 0; i < pixels.Length; i++) pixels[i] = (byte)Math.Round(toned[i]);
    }

    private static ImageChange Toned(string name, ToneChange tone) => new(name, 1, 1, tone);

    private static ImageChange Zoomed(string name, double rows, double columns) => new(name, rows, columns, ToneChange.None);
}
