using BenchmarkDotNet.Attributes;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Pneumonia.Images;

namespace Convolve.Benchmarks;

/// <summary>An image on its way from the file to the network: host work per image, device work per batch of 100 at 150 pixels.</summary>
public class ImageSuite
{
    private const int Pixels = 150, Channels = 3, Batch = 100;

    private readonly byte[] resized = new byte[Pixels * Pixels * Channels];
    private readonly float[] numbers = new float[Batch * AffineMap.Length];
    private byte[] file = [];
    private DecodedImage decoded = new(1, 1, 1, [0]);
    private DeviceCatalogue? catalogue;
    private Device? device;
    private StagedPixels? staged;
    private Tensor? maps, target;
    private byte[] batch = [];

    [GlobalSetup]
    public void Setup()
    {
        // A drawn X-ray, as there may be no real one here; about as large as a hospital's.
        const int Size = 1024;
        file = PngWriter.Encode(new SyntheticXrays(1, ImagePart.Train).Draw(0, Size), Size, Size, 1);
        decoded = ImageDecoder.Decode(file, "drawn");
        ResizeBilinear();
        batch = [.. Enumerable.Repeat(resized, Batch).SelectMany(image => image)];
        catalogue = new DeviceCatalogue();
        device = catalogue.Open(catalogue.Choose().Device);
        staged = new StagedPixels(device, batch.Length);
        target = Tensor.Zeros(device, new Shape(Batch, Pixels, Pixels, Channels));
        Upload();
        Draw();
        maps = Tensor.FromValues(device, new Shape(Batch, AffineMap.Length), numbers);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        maps?.Dispose();
        target?.Dispose();
        staged?.Dispose();
        device?.Dispose();
        catalogue?.Dispose();
    }

    /// <summary>One gray PNG of 1024 × 1024.</summary>
    [Benchmark]
    public void Decode() => ImageDecoder.Decode(file, "drawn");

    [Benchmark]
    public void ResizeNearest() => ImageResize.Resize(decoded, Pixels, Channels, ResizeMethod.Nearest, resized);

    [Benchmark]
    public void ResizeBilinear() => ImageResize.Resize(decoded, Pixels, Channels, ResizeMethod.Bilinear, resized);

    [Benchmark]
    public void ResizeArea() => ImageResize.Resize(decoded, Pixels, Channels, ResizeMethod.Area, resized);

    /// <summary>The bytes of a batch to the device.</summary>
    [Benchmark]
    public void Upload() => staged!.Upload(batch);

    /// <summary>A batch's maps, on the host.</summary>
    [Benchmark]
    public void Draw()
    {
        var ranges = new AugmentationRanges();
        for (var i = 0; i < Batch; i++) ranges.Draw(1, 1, i, Pixels, Pixels).CopyTo(numbers.AsSpan(i * AffineMap.Length));
    }

    /// <summary>A batch's bytes to floats, as they are.</summary>
    [Benchmark]
    public void Convert()
    {
        PixelConversionOperation.Apply(staged!, target!, PixelScaling.Rescale);
        device!.Synchronize();
    }

    /// <summary>A batch's bytes to floats, augmented.</summary>
    [Benchmark]
    public void Augment()
    {
        AugmentationOperation.Apply(staged!, maps!, target!, AugmentationGeometry.Create(target!.Shape), PixelScaling.Rescale);
        device!.Synchronize();
    }
}
