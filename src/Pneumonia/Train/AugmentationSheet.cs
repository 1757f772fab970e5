using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// A picture of augmentation: in each row a training image and its versions in the first epochs, drawn by the
/// same kernel with the same random numbers; with one fixed copy, pairs of an image and its copy.
/// </summary>
/// <param name="Pixels">[Height, Width, Channels].</param>
/// <param name="Width">Columns.</param>
/// <param name="Height">Rows.</param>
/// <param name="Channels">1 or 3.</param>
public sealed record AugmentationSheet(byte[] Pixels, int Width, int Height, int Channels)
{
    private const int Columns = 8, Rows = 5;

    // Gap between tiles in pixels, in a gray unlike an X-ray's background.
    private const int Gap = 4;
    private const byte GapColour = 128;

    /// <summary>The picture as PNG.</summary>
    public byte[] ToPng() => PngWriter.Encode(Pixels, Width, Height, Channels);

    /// <summary>The picture in gray as PNG, shrunk by averaging blocks of pixels until it is at most as wide as given.</summary>
    public byte[] ToPreview(int widest)
    {
        int step = (Width + widest - 1) / widest, width = Width / step, height = Height / step;
        var preview = new byte[width * height];
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                var sum = 0;
                for (var row = y * step; row < (y + 1) * step; row++)
                    for (var sample = x * step * Channels; sample < (x + 1) * step * Channels; sample++)
                        sum += Pixels[row * Width * Channels + sample];
                preview[y * width + x] = (byte)(sum / (step * step * Channels));
            }
        }
        return PngWriter.Encode(preview, width, height, 1);
    }

    /// <summary>Draws the picture.</summary>
    /// <param name="images">The training images; shows the first ones that training reads, alternating classes.</param>
    /// <param name="options">Seed and ranges, as training uses them.</param>
    /// <param name="device">Where to compute.</param>
    public static AugmentationSheet Draw(ImageStore images, TrainingOptions options, Device device)
    {
        (var side, var channels) = (images.Preprocessing.Pixels, images.Preprocessing.Channels);
        int width = Columns * (side + Gap) + Gap, height = Rows * (side + Gap) + Gap;
        var perImage = options.AugmentOnce ? 2 : Columns;
        var shown = Choose(images, Rows * Columns / perImage, options.Seed);
        var sheet = new byte[width * height * channels];
        Array.Fill(sheet, GapColour);
        for (var i = 0; i < shown.Length; i++)
        {
            var tiles = Tiles(images, shown[i], perImage, options, device);
            var line = side * channels;
            for (var t = 0; t < perImage; t++)
            {
                var place = i * perImage + t;
                int top = Gap + place / Columns * (side + Gap), left = Gap + place % Columns * (side + Gap);
                for (var y = 0; y < side; y++)
                    for (var x = 0; x < line; x++)
                        sheet[((top + y) * width + left) * channels + x] = (byte)(tiles[(t * side + y) * line + x] + 0.5f);
            }
        }
        return new AugmentationSheet(sheet, width, height, channels);
    }

    // The unchanged image, then its copies.
    private static float[] Tiles(ImageStore store, int image, int count, TrainingOptions options, Device device)
    {
        var side = store.Preprocessing.Pixels;
        var shape = new Shape(count, side, side, store.Preprocessing.Channels);
        var pixels = new byte[shape.Length];
        float[] maps = new float[count * AffineMap.Length], tones = new float[count * ToneChange.Length];
        for (var t = 0; t < count; t++)
        {
            store[image].CopyTo(pixels.AsSpan(t * shape.Length / count));
            var epoch = options.AugmentOnce ? 0 : t;
            var map = t == 0 ? AffineMap.Identity : options.Augmentation!.Draw(options.Seed, epoch, image, side, side);
            var tone = t == 0 ? ToneChange.None : options.Augmentation!.DrawTones(options.Seed, epoch, image);
            map.CopyTo(maps.AsSpan(t * AffineMap.Length));
            tone.CopyTo(tones.AsSpan(t * ToneChange.Length));
        }
        using var staged = new StagedPixels(device, pixels.Length);
        staged.Upload(pixels);
        using var onDevice = Tensor.FromValues(device, new Shape(count, AffineMap.Length), maps);
        using var tiles = Tensor.Uninitialized(device, shape);
        AugmentationOperation.Apply(staged, onDevice, tiles,
            AugmentationGeometry.Create(shape, options.Augmentation!.Fill, options.Augmentation.FillValue), PixelScaling.None);
        if (!options.Augmentation.ChangesTones) return tiles.ToArray();
        using var tonesOnDevice = Tensor.FromValues(device, new Shape(count, ToneChange.Length), tones);
        using var toned = Tensor.Uninitialized(device, shape);
        ToneOperation.Apply(tiles, tonesOnDevice, toned, PixelScaling.None);
        return toned.ToArray();
    }

    // Equally many images of each class if possible, among those decoded first.
    private static int[] Choose(ImageStore samples, int count, uint seed)
    {
        int[][] ofClass =
        [
            .. EpochOrder.Shuffled(samples.Count, seed, 1).GroupBy(samples.ClassOf).OrderBy(group => group.Key)
                .Select(group => group.Where(samples.IsUsable).Take(count).ToArray()),
        ];
        return [.. Enumerable.Range(0, count).SelectMany(i => ofClass.Where(images => i < images.Length).Select(images => images[i]))
            .Take(count)];
    }
}
