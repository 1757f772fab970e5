using System.Diagnostics;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>
/// Batches on their way to a device, one ahead of it: while kernels work on one, the next is put together on another thread and its
/// bytes cross the bus. So that this happens, <see cref="Prefetch"/> is called when the work on a batch has been launched and before its
/// result is waited for.
/// </summary>
internal sealed class DeviceBatches : IDisposable
{
    private readonly Device device;
    private readonly TrainingOptions options;
    private readonly Shape image;
    private readonly BatchReader? reader;
    private readonly int? epoch;
    private readonly float[] maps, tones;
    private StagedPixels current, next;
    private HostBatch? staged;
    private bool isStaged;

    /// <summary>Starts to put batches together.</summary>
    /// <param name="network">Where they go.</param>
    /// <param name="source">The samples.</param>
    /// <param name="order">The order of their numbers.</param>
    /// <param name="options">Batch size, scaling, augmentation.</param>
    /// <param name="position">Where in the order to begin.</param>
    /// <param name="epoch">The epoch whose augmentation is wanted; null for none at all.</param>
    /// <exception cref="ArgumentException">The samples are not as long as the network's input, under this scaling.</exception>
    public DeviceBatches(Sequential network, ISampleSource source, int[] order, TrainingOptions options, int position = 0, int? epoch = null)
        : this(network, options, CapacityFor(order.Length, options), epoch)
    {
        RequireLength(source.SampleLength);
        reader = new BatchReader(source, order, options.BatchSize, position);
    }

    /// <summary>Takes one batch that stands alone.</summary>
    /// <param name="network">Where it goes.</param>
    /// <param name="batch">The batch, which is the current one at once.</param>
    /// <param name="options">Batch size, scaling, augmentation.</param>
    /// <param name="epoch">The epoch whose augmentation is wanted; null for none at all.</param>
    public DeviceBatches(Sequential network, HostBatch batch, TrainingOptions options, int? epoch = null)
        : this(network, options, Math.Max(batch.Count, options.BatchSize), epoch)
    {
        current.Upload(batch.Pixels);
    }

    private DeviceBatches(Sequential network, TrainingOptions options, int capacity, int? epoch)
    {
        device = network.Device ?? throw new InvalidOperationException("batches: initialize the network first");
        image = network.InputShape;
        this.options = options;
        this.epoch = options.Augmentation is null || epoch is null ? null : options.AugmentOnce ? 0 : epoch;
        if (this.epoch is not null && image.Rank != 3) throw new ArgumentException($"augmentation: the network takes {image} instead of images [H,W,C]");
        if (this.epoch is not null && options.Scaling is null) throw new ArgumentException("augmentation: changes images, not values made of them");
        maps = this.epoch is null ? [] : new float[capacity * AffineMap.Length];
        tones = this.epoch is null ? [] : new float[capacity * ToneChange.Length];
        var bytes = checked(capacity * image.Length * BytesOfValue);
        current = new StagedPixels(device, bytes);
        next = new StagedPixels(device, bytes);
    }

    /// <summary>Bytes of which a value of the network's input is made: one that is scaled, or a float32 as it is.</summary>
    private int BytesOfValue => options.Scaling is null ? sizeof(float) : 1;

    /// <summary>Samples for which memory is taken: a whole batch, or all there are.</summary>
    public static int CapacityFor(int samples, TrainingOptions options) => Math.Max(1, Math.Min(options.BatchSize, samples));

    /// <summary>Whether all samples are changed in the same way, that of sample 0, instead of each in its own.</summary>
    public bool Alike { get; init; }

    /// <summary>How long the device had nothing to do because the next batch was not there.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Uploads the next batch if it is put together, beside whatever kernels are running.</summary>
    public void Prefetch()
    {
        if (!isStaged && reader is { IsReady: true }) Stage();
    }

    /// <summary>The next batch, or null at the end. The device must be done with the one before.</summary>
    public HostBatch? Next()
    {
        if (!isStaged)
        {
            var start = Stopwatch.GetTimestamp();
            Stage();
            if (staged is not null) Waited += Stopwatch.GetElapsedTime(start);
        }
        isStaged = false;
        (current, next) = (next, current);
        return staged;
    }

    /// <summary>The current batch as a network takes it, [N, …input]; launches what makes it and waits for nothing.</summary>
    public Tensor Input(HostBatch batch)
    {
        var shape = new Shape([batch.Count, .. image.Sizes]);
        if (options.Scaling is not { } scaling) return current.AsTensor(shape);
        if (epoch is not { } drawn)
        {
            var input = Tensor.Uninitialized(device, shape);
            PixelConversion.Apply(current, input, scaling);
            return input;
        }
        return Augmented(shape, batch, drawn, scaling);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        current.Dispose();
        next.Dispose();
    }

    private Tensor Augmented(Shape shape, HostBatch batch, int drawn, PixelScaling scaling)
    {
        var ranges = options.Augmentation!;
        for (var i = 0; i < batch.Count; i++)
            ranges.Draw(options.Seed, drawn, NumberOf(batch, i), image[0], image[1]).CopyTo(maps.AsSpan(i * AffineMap.Length));
        using var mapsOnDevice = Tensor.FromValues(device, new Shape(batch.Count, AffineMap.Length), maps.AsSpan(0, batch.Count * AffineMap.Length));
        var moved = Tensor.Uninitialized(device, shape);
        var geometry = AugmentationGeometry.Create(shape, ranges.Fill, ranges.FillValue);
        Augmenting.Apply(current, mapsOnDevice, moved, geometry, ranges.ChangesTones ? PixelScaling.None : scaling);
        if (!ranges.ChangesTones) return moved;
        for (var i = 0; i < batch.Count; i++) ranges.DrawTones(options.Seed, drawn, NumberOf(batch, i)).CopyTo(tones.AsSpan(i * ToneChange.Length));
        using var tonesOnDevice = Tensor.FromValues(device, new Shape(batch.Count, ToneChange.Length), tones.AsSpan(0, batch.Count * ToneChange.Length));
        var toned = Tensor.Uninitialized(device, shape);
        Toning.Apply(moved, tonesOnDevice, toned, scaling);
        moved.Dispose();
        return toned;
    }

    /// <summary>Makes sure that a sample fills the network's input.</summary>
    private void RequireLength(int bytes)
    {
        var needed = (long)image.Length * BytesOfValue;
        if (bytes == needed) return;
        Dispose();
        var kind = options.Scaling is null ? "values of float32" : "bytes that are scaled";
        var advice = options.Scaling is not null && bytes == needed * sizeof(float) ? $"; rows of float32 values need {nameof(TrainingOptions)}.{nameof(TrainingOptions.Scaling)} = null"
            : options.Scaling is null && bytes * sizeof(float) == needed ? $"; images in bytes need {nameof(TrainingOptions)}.{nameof(TrainingOptions.Scaling)}"
            : "";
        throw new ArgumentException($"samples: each has {bytes} bytes, but the network takes {image}, {image.Length} {kind}: {needed} bytes{advice}");
    }

    // The number that decides how a sample is changed.
    private int NumberOf(HostBatch batch, int place) => Alike ? 0 : batch.Indices[place];

    private void Stage()
    {
        staged = reader?.Read();
        if (staged is not null) next.Upload(staged.Pixels);
        isStaged = true;
    }
}
