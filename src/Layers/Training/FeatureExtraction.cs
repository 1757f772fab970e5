using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>
/// The outputs of a base that stays as it is, computed once for each image and kept on disk, so that training its head takes a small part of
/// the work. Every batch has the same size, filled up with copies where images run out: what is computed of an image depends neither on
/// the others nor on what was computed before.
/// </summary>
public sealed class FeatureExtraction
{
    /// <summary>The name of a batch among the works whose memory is planned.</summary>
    internal const string Work = "features";

    /// <summary>Images computed at once.</summary>
    internal const int BatchSize = 16;

    private readonly Sequential network;
    private readonly PixelScaling scaling;
    private readonly ConvolutionAlgorithm algorithm;
    private readonly FeatureCache cache;

    /// <summary>Prepares to ask a base.</summary>
    /// <param name="network">The base, on its device with its weights.</param>
    /// <param name="scaling">What becomes of a byte of an image.</param>
    /// <param name="algorithm">How convolutions are computed.</param>
    /// <param name="folder">Where features are kept.</param>
    public FeatureExtraction(Sequential network, PixelScaling scaling, ConvolutionAlgorithm algorithm, string folder)
    {
        this.network = network;
        this.scaling = scaling;
        this.algorithm = algorithm;
        cache = FeatureCache.Of(network, scaling, algorithm, folder);
    }

    /// <summary>Where the features of this base are.</summary>
    public string Folder => cache.Folder;

    /// <summary>Images whose features were computed.</summary>
    public int Computed { get; private set; }

    /// <summary>Images whose features were there.</summary>
    public int Found { get; private set; }

    /// <summary>The features of all usable images of a source, as samples for the layers after the base.</summary>
    /// <param name="images">The images.</param>
    /// <param name="progress">Called after every image with the number of those that are done.</param>
    /// <param name="cancellation">Stops between two batches; what was computed stays on disk.</param>
    /// <exception cref="IOException">The folder cannot be written to.</exception>
    public ISampleSource Of(ISampleSource images, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        var paths = new string?[images.Count];
        var pixels = new byte[BatchSize * images.SampleLength];
        var waiting = new List<string>(BatchSize);
        using var staged = new StagedPixels(network.Device!, pixels.Length);
        for (var i = 0; i < images.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (images.IsUsable(i))
            {
                var image = pixels.AsSpan(waiting.Count * images.SampleLength, images.SampleLength);
                images.CopyPixels(i, image);
                var path = paths[i] = cache.PathOf(image);
                // Two images of the same pixels may stand in one batch.
                if (waiting.Contains(path) || cache.Holds(path)) Found++;
                else waiting.Add(path);
                if (waiting.Count == BatchSize) Compute(staged, pixels, waiting);
            }
            progress?.Invoke(i + 1);
        }
        if (waiting.Count > 0) Compute(staged, pixels, waiting);
        return new FeatureSamples(images, paths, network.OutputShape.Length);
    }

    /// <summary>A batch without images, on a device that computes nothing.</summary>
    internal static void Rehearse(Sequential network, ConvolutionAlgorithm algorithm)
    {
        using var staged = new StagedPixels(network.Device!, BatchSize * network.InputShape.Length);
        Answer(network, staged, PixelScaling.Rescale, algorithm);
    }

    private static float[] Answer(Sequential network, StagedPixels pixels, PixelScaling scaling, ConvolutionAlgorithm algorithm)
    {
        using var work = network.Device!.Pool.Follow(Work, BatchSize);
        using var input = Tensor.Uninitialized(network.Device, new Shape([BatchSize, .. network.InputShape.Sizes]));
        PixelConversion.Apply(pixels, input, scaling);
        using var output = network.Predict(input, Pass.Inference with { Algorithm = algorithm });
        return output.ToArray();
    }

    private void Compute(StagedPixels staged, byte[] pixels, List<string> waiting)
    {
        var length = pixels.Length / BatchSize;
        for (var i = waiting.Count; i < BatchSize; i++) pixels.AsSpan(0, length).CopyTo(pixels.AsSpan(i * length));
        staged.Upload(pixels);
        var features = Answer(network, staged, scaling, algorithm);
        for (var i = 0; i < waiting.Count; i++) FeatureCache.Write(waiting[i], features.AsSpan(i * network.OutputShape.Length, network.OutputShape.Length));
        Computed += waiting.Count;
        waiting.Clear();
    }
}

/// <summary>
/// Features on disk: a folder for everything that decides them besides the image (the base's layers and weights, what becomes of a byte,
/// device, algorithm and version), and in it a file for each image, named by its pixels. Whatever changes, another name is looked for.
/// A file holds float32 values and their SHA-256.
/// </summary>
internal sealed class FeatureCache
{
    private readonly int length;

    private FeatureCache(string folder, int length)
    {
        Folder = folder;
        this.length = length;
    }

    /// <summary>The folder of this base.</summary>
    public string Folder { get; }

    /// <summary>The features of a base below a folder; nothing is written yet.</summary>
    public static FeatureCache Of(Sequential network, PixelScaling scaling, ConvolutionAlgorithm algorithm, string folder)
    {
        var device = network.Device ?? throw new InvalidOperationException("features: initialize the network first");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Another build may compute other bits, whatever its version says.
        foreach (var part in new[]
        {
            NetworkDescription.ToJson(network).ToJsonString(), scaling.ToString(), algorithm.ToString(), device.Description.ToString(),
            device.Shape.ToString(), device.UsesTf32.ToString(), DeviceCatalogue.CompilerVersion, typeof(Device).Module.ModuleVersionId.ToString(),
            typeof(FeatureCache).Module.ModuleVersionId.ToString(),
        })
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(part + "\n"));
        foreach (var parameter in network.Parameters) hash.AppendData(MemoryMarshal.AsBytes(parameter.Value.ToArray().AsSpan()));
        return new FeatureCache(Path.Combine(folder, Convert.ToHexStringLower(hash.GetHashAndReset())[..32]), network.OutputShape.Length);
    }

    /// <summary>Where an image's features are or will be.</summary>
    public string PathOf(ReadOnlySpan<byte> pixels)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(pixels, hash);
        return Path.Combine(Folder, Convert.ToHexStringLower(hash) + ".f32");
    }

    /// <summary>Whether a file is there and whole.</summary>
    public bool Holds(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var values = length * sizeof(float);
            return bytes.Length == values + SHA256.HashSizeInBytes && SHA256.HashData(bytes.AsSpan(0, values)).AsSpan().SequenceEqual(bytes.AsSpan(values));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    /// <summary>Writes a file to a temporary name and renames it.</summary>
    public static void Write(string path, ReadOnlySpan<float> features)
    {
        var bytes = MemoryMarshal.AsBytes(features);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var unfinished = $"{path}.{Environment.ProcessId}";
        using (var stream = File.Create(unfinished))
        {
            stream.Write(bytes);
            stream.Write(SHA256.HashData(bytes));
        }
        File.Move(unfinished, path, overwrite: true);
    }
}

/// <summary>Features on disk as samples: float32 values, under the numbers and with the classes of the images they were made of.</summary>
/// <param name="images">The images.</param>
/// <param name="paths">The file of each; null where an image is not usable.</param>
/// <param name="length">Values of one.</param>
internal sealed class FeatureSamples(ISampleSource images, string?[] paths, int length) : ISampleSource
{
    /// <inheritdoc/>
    public int Count => paths.Length;

    /// <inheritdoc/>
    public int SampleLength => length * sizeof(float);

    /// <inheritdoc/>
    public bool IsUsable(int index) => paths[index] is not null;

    /// <inheritdoc/>
    public void CopyPixels(int index, Span<byte> target)
    {
        using var file = File.OpenHandle(paths[index]!);
        if (RandomAccess.Read(file, target, 0) != target.Length) throw new IOException($"{paths[index]}: was cut off while it was in use");
    }

    /// <inheritdoc/>
    public int ClassOf(int index) => images.ClassOf(index);
}
