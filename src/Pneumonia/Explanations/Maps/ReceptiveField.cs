using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>What the units of a layer see along one direction: unit i sees Size pixels, from First + i·Step on.</summary>
/// <param name="First">The first pixel that unit 0 sees; negative where it begins in the padding.</param>
/// <param name="Step">Pixels from what one unit sees to what the next one does.</param>
/// <param name="Size">Pixels that a unit sees.</param>
/// <param name="End">The pixel after the last that any unit sees: where windows do not come out even, the picture's edge is left
/// out.</param>
public readonly record struct FieldOfView(int First, int Step, int Size, int End)
{
    /// <summary>Every pixel of the image itself.</summary>
    public static FieldOfView Pixels(int count) => new(0, 1, 1, count);

    /// <summary>What the units of the next layer see, each of which covers several units of this one.</summary>
    /// <param name="size">Units under a window or kernel.</param>
    /// <param name="stride">Its step.</param>
    /// <param name="padding">Rows or columns of zeros before the first unit.</param>
    /// <param name="units">How many units there are here, beyond which everything is padding.</param>
    public FieldOfView Through(int size, int stride, int padding, int units) =>
        new(First - padding * Step, Step * stride, Size + (size - 1) * Step, Math.Min(End, First + (units - 1) * Step + Size));

    /// <summary>The middle of what a unit sees, in pixels from the image's edge; that of pixel 0 is ½.</summary>
    public double Centre(int unit) => First + (double)unit * Step + Size / 2.0;

    /// <summary>The pixels that a unit sees, the last one not included.</summary>
    public (int First, int End) Inside(int unit) =>
        (Math.Clamp(First + unit * Step, 0, End), Math.Clamp(First + unit * Step + Size, 0, End));
}

/// <summary>The part of the image that a unit of a layer sees: nothing outside it changes the unit's value.</summary>
/// <param name="Rows">Up and down.</param>
/// <param name="Columns">Sideways.</param>
public readonly record struct ReceptiveField(FieldOfView Rows, FieldOfView Columns)
{
    /// <summary>
    /// The receptive fields of a layer's units; null if its output is not spatial, so that every unit sees the whole image.
    /// </summary>
    public static ReceptiveField? Of(Sequential network, int layer)
    {
        if (network.InputShape.Rank != 3) return null;
        var field = new ReceptiveField(FieldOfView.Pixels(network.InputShape[0]), FieldOfView.Pixels(network.InputShape[1]));
        foreach (var passed in network.Layers.Take(layer + 1))
        {
            if (passed.OutputShape.Rank != 3) return null;
            field = passed switch
            {
                Conv2D { Geometry: var g } => new(field.Rows.Through(g.KernelHeight, g.Stride, g.PaddingTop, g.Height),
                    field.Columns.Through(g.KernelWidth, g.Stride, g.PaddingLeft, g.Width)),
                MaxPooling2D { Geometry: var g } => new(field.Rows.Through(g.WindowHeight, g.Stride, 0, g.Height),
                    field.Columns.Through(g.WindowWidth, g.Stride, 0, g.Width)),
                _ => field,
            };
        }
        return field;
    }
}
