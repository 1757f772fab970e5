using System.Diagnostics;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>
/// Uploads batches, one ahead of the device: while kernels process one batch, the next is assembled on another thread and its bytes are
/// copied. For that, call <see cref="Prefetch"/> after launching the work on a batch and before waiting for its result.
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

    /// <summary>Starts to assemble batches.</summary>
    /// <param name="network">The network that takes them.</param>
    /// <param name="source">The samples.</param>
    /// <param name="order">The order of their indices.</param>
    /// <param name="options">Batch size, scaling, augmentation.</param>
    /// <param name="position">The first position in the order.</param>
    /// <param name="epoch">The epoch whose augmentation is applied; null for none.</param>
    /// <exception cref="ArgumentException">The samples are not as long as the network's input, under this scaling.</exception>
    public DeviceBatches(Sequential network, ISampleSource source, int[] order, TrainingOptions options, int position = 0,
        int? epoch = null)
        : this(network, options, CapacityFor(order.Length, options), epoch)
    {
        RequireLength(source.SampleLength);
        reader = new BatchReader(source, order, options.BatchSize, position, device.Trace);
    }

    /// <summary>Takes a single batch.</summary>
    /// <param name="network">The network that takes it.</param>
    /// <param name="batch">The batch, which becomes the current one.</param>
    /// <param name="options">Batch size, scaling, augmentation.</param>
    /// <param name="epoch">The epoch whose augmentation is applied; null for none.</param>
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
        if (this.epoch is not null && image.Rank != 3)
            throw new ArgumentException($"augmentation: the network takes {image} instead of images [H,W,C]");
        if (this.epoch is not null && options.Scaling is null)
            throw new ArgumentException("augmentation: changes images, not values made of them");
        maps = this.epoch is null ? [] : new float[capacity * AffineMap.Length];
        tones = this.epoch is null ? [] : new float[capacity * ToneChange.Length];
        var bytes = checked(capacity * image.Length * BytesOfValue);
        current = new StagedPixels(device, bytes);
        next = new StagedPixels(device, bytes);
    }

    /// <summary>Bytes for one value of the network's input: one byte to be scaled, or a float32.</summary>
    private int BytesOfValue => options.Scaling is null ? sizeof(float) : 1;

    /// <summary>Samples for which memory is taken: a whole batch, or all if there are fewer.</summary>
    public static int CapacityFor(int samples, TrainingOptions options) => Math.Max(1, Math.Min(options.BatchSize, samples));

    /// <summary>Whether all samples get the changes of sample 0 instead of their own.</summary>
    public bool Alike { get; init; }

    /// <summary>How long the device waited for the next batch.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Uploads the next batch, if it is assembled, while kernels run.</summary>
    public void Prefetch()
    {
        if (!isStaged && reader is { IsReady: true }) Stage();
    }

    /// <summary>The next batch, or null at the end. The device must have finished the previous one.</summary>
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

    /// <summary>The current batch as the network's input, [N, …input]; launches the conversion without waiting.</summary>
    public Tensor Input(HostBatch batch)
    {
        var shape = new Shape([batch.Count, .. image.Sizes]);
        if (options.Scaling is not { } scaling) return current.AsTensor(shape);
        if (epoch is not { } drawn)
        {
            var input = Tensor.Uninitialized(device, shape);
            PixelConversionOperation.Apply(current, input, scaling);
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
        using var span = device.Trace?.Phase("augment");
        var ranges = options.Augmentation!;
        for (var i = 0; i < batch.Count; i++)
            ranges.Draw(options.Seed, drawn, NumberOf(batch, i), image[0], image[1]).CopyTo(maps.AsSpan(i * AffineMap.Length));
        using var mapsOnDevice = Tensor.FromValues(device, new Shape(batch.Count, AffineMap.Length),
            maps.AsSpan(0, batch.Count * AffineMap.Length));
        var moved = Tensor.Uninitialized(device, shape);
        var geometry = AugmentationGeometry.Create(shape, ranges.Fill, ranges.FillValue);
        AugmentationOperation.Apply(current, mapsOnDevice, moved, geometry, ranges.ChangesTones ? PixelScaling.None : scaling);
        if (!ranges.ChangesTones) return moved;
        for (var i = 0; i < batch.Count; i++)
            ranges.DrawTones(options.Seed, drawn, NumberOf(batch, i)).CopyTo(tones.AsSpan(i * ToneChange.Length));
        using var tonesOnDevice = Tensor.FromValues(device, new Shape(batch.Count, ToneChange.Length),
            tones.AsSpan(0, batch.Count * ToneChange.Length));
        var toned = Tensor.Uninitialized(device, shape);
        ToneOperation.Apply(moved, tonesOnDevice, toned, scaling);
        moved.Dispose();
        return toned;
    }

    /// <summary>Checks that a sample's length matches the network's input.</summary>
    private void RequireLength(int bytes)
    {
        var needed = (long)image.Length * BytesOfValue;
        if (bytes == needed) return;
        Dispose();
        var kind = options.Scaling is null ? "values of float32" : "bytes that are scaled";
        var advice = options.Scaling is not null && bytes == needed * sizeof(float)
            ? $"; rows of float32 values need {nameof(TrainingOptions)}.{nameof(TrainingOptions.Scaling)} = null"
            : options.Scaling is null && bytes * sizeof(float) == needed
            ? $"; images in bytes need {nameof(TrainingOptions)}.{nameof(TrainingOptions.Scaling)}"
            : "";
        throw new ArgumentException(
            $"samples: each has {bytes} bytes, but the network takes {image}, {image.Length} {kind}: {needed} bytes{advice}");
    }

    // The index that decides how a sample is changed.
    private int NumberOf(HostBatch batch, int place) => Alike ? 0 : batch.Indices[place];

    private void Stage()
    {
        using (device.Trace?.Phase("wait for batch")) staged = reader?.Read();
        if (staged is not null) next.Upload(staged.Pixels);
        isStaged = true;
    }
}
