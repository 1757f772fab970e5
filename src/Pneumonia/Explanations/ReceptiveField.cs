using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>What the units of a layer see along one direction: unit i sees the pixels from First + i·Step on, Size of them.</summary>
/// <param name="First">The first pixel that unit 0 sees; negative where it begins in the padding.</param>
/// <param name="Step">Pixels from what one unit sees to what the next one does.</param>
/// <param name="Size">Pixels that a unit sees.</param>
public readonly record struct FieldOfView(int First, int Step, int Size)
{
    /// <summary>Every pixel of the image itself.</summary>
    public static FieldOfView Pixels { get; } = new(0, 1, 1);

    /// <summary>What the units of the next layer see, each of which sees so many of these.</summary>
    /// <param name="size">Units under a window or kernel.</param>
    /// <param name="stride">Its step.</param>
    /// <param name="padding">Rows or columns of zeros before the first unit.</param>
    public FieldOfView Through(int size, int stride, int padding) =>
        new(First - padding * Step, Step * stride, Size + (size - 1) * Step);

    /// <summary>The middle of what a unit sees, in pixels from the image's edge; that of pixel 0 is ½.</summary>
    public double Centre(int unit) => First + (double)unit * Step + Size / 2.0;

    /// <summary>The pixels of an image that a unit sees, the last one not included.</summary>
    public (int First, int End) Inside(int unit, int pixels) =>
        (Math.Clamp(First + unit * Step, 0, pixels), Math.Clamp(First + unit * Step + Size, 0, pixels));
}

/// <summary>The part of the image that a unit of a layer can see at all: nothing outside it changes the unit's value.</summary>
/// <param name="Rows">Up and down.</param>
/// <param name="Columns">Sideways.</param>
public readonly record struct ReceptiveField(FieldOfView Rows, FieldOfView Columns)
{
    /// <summary>Those of the units that a layer gives; null where it gives no picture any more, and every unit sees all of the image.</summary>
    public static ReceptiveField? Of(Sequential network, int layer)
    {
        var field = new ReceptiveField(FieldOfView.Pixels, FieldOfView.Pixels);
        foreach (Layer passed in network.Layers.Take(layer + 1))
        {
            if (passed.OutputShape.Rank != 3) return null;
            field = passed switch
            {
                Conv2D { Geometry: var g } => new(field.Rows.Through(g.KernelHeight, g.Stride, g.PaddingTop),
                    field.Columns.Through(g.KernelWidth, g.Stride, g.PaddingLeft)),
                MaxPool2D { Geometry: var g } => new(field.Rows.Through(g.WindowHeight, g.Stride, 0), field.Columns.Through(g.WindowWidth, g.Stride, 0)),
                _ => field,
            };
        }
        return field;
    }
}
