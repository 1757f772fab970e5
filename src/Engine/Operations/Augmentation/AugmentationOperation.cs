using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>
/// Moves every image of a batch by a map of its own while its bytes become floats: a pixel of the result is taken, by bilinear
/// interpolation, from the place that the map gives, in the endless image that the fill rule makes.
/// </summary>
public static class AugmentationOperation
{
    /// <summary>Augments a batch.</summary>
    /// <param name="pixels">The images, [N,H,W,C]; none are needed where nothing is computed.</param>
    /// <param name="maps">[N,7]: an <see cref="AffineMap"/> for each image.</param>
    /// <param name="target">[N,H,W,C]; takes the values.</param>
    /// <param name="geometry">Sizes and fill rule.</param>
    /// <param name="scaling">What becomes of a byte.</param>
    /// <exception cref="ArgumentException">The sizes do not fit together.</exception>
    public static void Apply(StagedPixels pixels, Tensor maps, Tensor target, AugmentationGeometry geometry, PixelScaling scaling)
    {
        if (target.Shape != geometry.Shape) throw new ArgumentException($"augmentation: {target} does not take images of {geometry.Shape}");
        if (pixels.Length != target.Shape.Length && target.Device.Computes)
            throw new ArgumentException($"augmentation: {geometry.Shape} needs {target.Shape.Length} bytes, but {pixels.Length} were given");
        if (maps.Shape != new Shape(geometry.Batch, AffineMap.Length))
            throw new ArgumentException($"augmentation: maps {maps.Shape} must be [{geometry.Batch},{AffineMap.Length}]");
        target.Device.Kernels.ForEach(geometry.Pixels,
            new Augment { Pixels = pixels.View, Maps = maps.View, Output = target.View, Geometry = geometry, Scaling = scaling });
    }
}
