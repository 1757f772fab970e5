using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>
/// Transforms every image of a batch by its own map while converting bytes to floats: a pixel of the result is read, by bilinear
/// interpolation, at the position that the map gives, in the infinite image that the fill rule defines.
/// </summary>
public static class AugmentationOperation
{
    /// <summary>Augments a batch.</summary>
    /// <param name="pixels">The images, [N,H,W,C]; not needed in a dry run.</param>
    /// <param name="maps">[N,7]: an <see cref="AffineMap"/> for each image.</param>
    /// <param name="target">[N,H,W,C]; receives the values.</param>
    /// <param name="geometry">Sizes and fill rule.</param>
    /// <param name="scaling">The scaling of bytes.</param>
    /// <exception cref="ArgumentException">The sizes do not match.</exception>
    public static void Apply(StagedPixels pixels, Tensor maps, Tensor target, AugmentationGeometry geometry, PixelScaling scaling)
    {
        if (target.Shape != geometry.Shape) throw new ArgumentException($"augmentation: {target} does not take images of {geometry.Shape}");
        if (pixels.Length != target.Shape.Length && target.Device.Computes)
            throw new ArgumentException(
                $"augmentation: {geometry.Shape} needs {target.Shape.Length} bytes, but {pixels.Length} were given");
        if (maps.Shape != new Shape(geometry.Batch, AffineMap.Length))
            throw new ArgumentException($"augmentation: maps {maps.Shape} must be [{geometry.Batch},{AffineMap.Length}]");
        target.Device.Kernels.ForEach(geometry.Pixels,
            new Augment { Pixels = pixels.View, Maps = maps.View, Output = target.View, Geometry = geometry, Scaling = scaling });
    }
}
