using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>
/// The outputs of a frozen base, computed once for each image and kept on disk, so that training the head takes a small part of the work.
/// Every batch has the same size, filled up with copies at the end, so the features of an image depend neither on other images nor on what
/// was computed before. While this object lives, nobody removes its features.
/// </summary>
public sealed class FeatureExtraction : IDisposable
{
    /// <summary>The name under which the memory of a batch is planned.</summary>
    internal const string Work = "features";

    /// <summary>Images computed at once.</summary>
    internal const int BatchSize = 16;

    private readonly Sequential network;
    private readonly PixelScaling scaling;
    private readonly ConvolutionAlgorithm algorithm;
    private readonly FeatureCache cache;

    /// <summary>Prepares to compute features.</summary>
    /// <param name="network">The base, on its device with its weights.</param>
    /// <param name="scaling">How bytes of images become floats.</param>
    /// <param name="algorithm">How convolutions are computed.</param>
    /// <param name="folder">The folder of the features.</param>
    public FeatureExtraction(Sequential network, PixelScaling scaling, ConvolutionAlgorithm algorithm, string folder)
    {
        this.network = network;
        this.scaling = scaling;
        this.algorithm = algorithm;
        cache = FeatureCache.Of(network, scaling, algorithm, folder);
    }

    /// <summary>The folder of this base's features.</summary>
    public string Folder => cache.Folder;

    /// <summary>Images whose features were computed.</summary>
    public int Computed { get; private set; }

    /// <summary>Images whose features were found on disk.</summary>
    public int Found { get; private set; }

    /// <summary>The features of all usable images of a source, as samples for the layers after the base.</summary>
    /// <param name="images">The images.</param>
    /// <param name="progress">Called after every image with the number of finished ones.</param>
    /// <param name="cancellation">Stops between two batches; computed features stay on disk.</param>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public ISampleSource Of(ISampleSource images, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        cache.Occupy();
        var files = new FeatureFile?[images.Count];
        var pixels = new byte[BatchSize * images.SampleLength];
        var waiting = new List<FeatureFile>(BatchSize);
        using var staged = new StagedPixels(network.Device!, pixels.Length);
        for (var i = 0; i < images.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (images.IsUsable(i))
            {
                var image = pixels.AsSpan(waiting.Count * images.SampleLength, images.SampleLength);
                images.CopyPixels(i, image);
                var path = cache.PathOf(image);
                // Two images with the same pixels may be in one batch.
                if (waiting.Find(file => file.Path == path) is { } same)
                {
                    files[i] = same;
                    Found++;
                }
                else
                {
                    var file = files[i] = new FeatureFile(path);
                    if (cache.Find(path) is { } checksum)
                    {
                        file.Checksum = checksum;
                        Found++;
                    }
                    else waiting.Add(file);
                }
                if (waiting.Count == BatchSize) Compute(staged, pixels, waiting);
            }
            progress?.Invoke(i + 1);
        }
        if (waiting.Count > 0) Compute(staged, pixels, waiting);
        return new FeatureSamples(images, files, network.OutputShape.Length);
    }

    /// <summary>
    /// Removes unused features, the least recently used first, until the limit is met. Features of this object, and of bases that another
    /// training uses, stay.
    /// </summary>
    /// <param name="limit">The most bytes that the folder may contain.</param>
    public ClearedFeatures Clear(long limit) => cache.Clear(limit);

    /// <inheritdoc/>
    public void Dispose() => cache.Dispose();

    /// <summary>A batch without images, for a dry run.</summary>
    internal static void DryRun(Sequential network, ConvolutionAlgorithm algorithm)
    {
        using var staged = new StagedPixels(network.Device!, BatchSize * network.InputShape.Length);
        Answer(network, staged, PixelScaling.Rescale, algorithm);
    }

    private static float[] Answer(Sequential network, StagedPixels pixels, PixelScaling scaling, ConvolutionAlgorithm algorithm)
    {
        using var work = network.Device!.Pool.BeginWork(Work, BatchSize);
        using var input = Tensor.Uninitialized(network.Device, new Shape([BatchSize, .. network.InputShape.Sizes]));
        PixelConversionOperation.Apply(pixels, input, scaling);
        using var output = network.Predict(input, Pass.Inference with { Algorithm = algorithm });
        return output.ToArray();
    }

    private void Compute(StagedPixels staged, byte[] pixels, List<FeatureFile> waiting)
    {
        var length = pixels.Length / BatchSize;
        for (var i = waiting.Count; i < BatchSize; i++) pixels.AsSpan(0, length).CopyTo(pixels.AsSpan(i * length));
        staged.Upload(pixels);
        var features = Answer(network, staged, scaling, algorithm);
        for (var i = 0; i < waiting.Count; i++)
            waiting[i].Checksum = FeatureCache
                .Write(waiting[i].Path, features.AsSpan(i * network.OutputShape.Length, network.OutputShape.Length));
        Computed += waiting.Count;
        waiting.Clear();
    }
}

/// <summary>The file of an image's features.</summary>
/// <param name="path">Where it is.</param>
internal sealed class FeatureFile(string path)
{
    /// <summary>Where it is.</summary>
    public string Path => path;

    /// <summary>The checksum of its values, once they are found or computed.</summary>
    public ulong Checksum { get; set; }
}

/// <summary>Features on disk as samples: float32 values, with the indices and classes of their images.</summary>
/// <param name="images">The images.</param>
/// <param name="files">The file of each; null where an image is not usable.</param>
/// <param name="length">Values of one.</param>
internal sealed class FeatureSamples(ISampleSource images, FeatureFile?[] files, int length) : ISampleSource
{
    /// <inheritdoc/>
    public int Count => files.Length;

    /// <inheritdoc/>
    public int SampleLength => length * sizeof(float);

    /// <inheritdoc/>
    public bool IsUsable(int index) => files[index] is not null;

    /// <inheritdoc/>
    /// <exception cref="FeatureFileException">The file was removed or changed.</exception>
    public void CopyPixels(int index, Span<byte> target) => FeatureCache.Read(files[index]!.Path, target, files[index]!.Checksum);

    /// <inheritdoc/>
    public int ClassOf(int index) => images.ClassOf(index);
}
