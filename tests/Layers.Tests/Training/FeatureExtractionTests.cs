using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Training;

/// <summary>A frozen base: its cost while the head trains, and its cached outputs on disk.</summary>
[Collection(OnOpenCl.Name)]
public sealed class FeatureExtractionTests(OpenClDevice opened) : DeviceTests(opened), IDisposable
{
    private const int BaseLength = 5;

    private static readonly TrainingOptions options = new() { Epochs = 2, BatchSize = 8, Seed = 5 };

    private readonly string folder = Directory.CreateTempSubdirectory("convolve-features-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private static Sequential Network(bool frozen = true)
    {
        var network = new Sequential(new Shape(12, 12, 1),
        [
            new Conv2D(4, 3) { Padding = Padding.Same, Activation = ActivationFunction.Relu },
            new Conv2D(4, 3) { Padding = Padding.Same, Activation = ActivationFunction.Relu },
            new MaxPooling2D(),
            new Conv2D(6, 3) { Padding = Padding.Same, Activation = ActivationFunction.Relu },
            new MaxPooling2D(),
            new Flatten(),
            new Dense(5) { Activation = ActivationFunction.Relu },
            new Dense(1),
        ]);
        if (frozen)
            foreach (var layer in network.Layers.Take(BaseLength)) layer.Trainable = false;
        return network;
    }

    private FeatureExtraction Extraction(Sequential network, PixelScaling? scaling = null) =>
        new(network.Part(0, BaseLength), scaling ?? PixelScaling.Rescale, ConvolutionAlgorithm.Auto, folder);

    private static HostBatch Batch(ISampleSource source, int count) =>
        new BatchReader(source, EpochOrder.Sequential(source.Count), count).Read()!;

    private static byte[] Bytes(ISampleSource source, int index)
    {
        var bytes = new byte[source.SampleLength];
        source.CopyPixels(index, bytes);
        return bytes;
    }

    private static int[] Bits(Sequential network) =>
        [.. network.Parameters.SelectMany(p => p.Value.ToArray()).Select(BitConverter.SingleToInt32Bits)];

    [SkippableFact]
    public void AStepWithAFrozenBaseIsItsPredictionAndAStepOfTheHead()
    {
        using var network = Network().Initialize(Device, 1);
        var images = new PatternSamples(8);
        var head = network.Part(BaseLength, network.Layers.Count);
        var features = Extraction(network).Of(images);
        using var optimizer = new Sgd { LearningRate = 0.1f };
        using var whole = new Trainer(network, optimizer, options);
        using var alone = new Trainer(head, optimizer, options with { Scaling = null });
        using var batch = Tensor.FromValues(Device, new Shape(8, 12, 12, 1),
            [.. Enumerable.Range(0, 8).SelectMany(i => Bytes(images, i)).Select(b => b / 255f)]);
        var before = network.Parameters.Take(6).SelectMany(p => p.Value.ToArray()).ToArray();
        whole.Step(Batch(images, 8));
        alone.Step(Batch(features, 8));

        // One more launch converts the bytes of an image to floats.
        Assert.Equal(1 + Launches(() => network.Part(0, BaseLength).Predict(batch).Dispose()) + Launches(() =>
            alone.Step(Batch(features, 8))),
            Launches(() => whole.Step(Batch(images, 8))));
        Assert.Equal(before, network.Parameters.Take(6).SelectMany(p => p.Value.ToArray()));

        // Only operations of the head are recorded for the backward pass.
        using var output = network.Part(0, BaseLength).Predict(batch);
        Assert.Equal(Held(head, output) + output.Shape.Length * sizeof(float), Held(network, batch), 1024.0);
        using var trained = Network(frozen: false).Initialize(Device, 1);
        Assert.True(Held(trained, batch) > 3 * Held(network, batch), "a base that is trained keeps its activations");
        Assert.True(Planned(network) < Planned(trained), "the plan of a frozen base holds no activations");
    }

    private long Launches(Action work)
    {
        var before = Device.Launches;
        work();
        return Device.Launches - before;
    }

    private double Held(Sequential network, Tensor batch)
    {
        using (var first = new Tape(Device)) network.Forward(first, batch, new Pass(true));
        var before = Device.Pool.UsedBytes;
        using var tape = new Tape(Device);
        network.Forward(tape, batch, new Pass(true));
        return Device.Pool.UsedBytes - before;
    }

    private long Planned(Sequential network)
    {
        using var plan = MemoryPlan.For(Device, network, () => new Sgd(), options, 8, 0);
        return plan.StepBytes;
    }

    [SkippableFact]
    public void FeaturesAreTheOutputsOfTheBaseWhateverElseIsComputed()
    {
        using var network = Network().Initialize(Device, 1);
        // 21 images are a full batch and a smaller one; image 3 is unreadable.
        var images = new PatternSamples(21, 12, 3);
        var features = Extraction(network).Of(images);
        Assert.Equal((21, 4 * 3 * 3 * 6), (features.Count, features.SampleLength));
        Assert.False(features.IsUsable(3));
        Assert.Equal(images.ClassOf(4), features.ClassOf(4));
        foreach (var i in new[] { 0, 20 })
        {
            using var image = Tensor.FromValues(Device, new Shape(1, 12, 12, 1), [.. Bytes(images, i).Select(b => b / 255f)]);
            using var output = network.Part(0, BaseLength).Predict(image);
            var values = new float[output.Shape.Length];
            Buffer.BlockCopy(Bytes(features, i), 0, values, 0, features.SampleLength);
            new Tolerance(1e-5, 1e-5).Check("features", [.. output.ToArray().Select(v => (double)v)], values);
        }
        // In another batch, the same bits.
        var other = new FeatureExtraction(network.Part(0, BaseLength), PixelScaling.Rescale, ConvolutionAlgorithm.Auto,
            Path.Combine(folder, "other"));
        Assert.Equal(Bytes(features, 2), Bytes(other.Of(new PatternSamples(3)), 2));
    }

    [SkippableFact]
    public void WhatIsThereIsFoundAndWhatDoesNotBelongIsNotRead()
    {
        using var network = Network().Initialize(Device, 1);
        var images = new PatternSamples(5);
        var first = Extraction(network);
        var features = first.Of(images);
        Assert.Equal((5, 0), (first.Computed, first.Found));
        var again = Extraction(network);
        Assert.Equal(Bytes(features, 4), Bytes(again.Of(images), 4));
        Assert.Equal((0, 5), (again.Computed, again.Found));

        // A damaged file and a truncated one are recomputed, with the same bytes.
        var files = Directory.GetFiles(first.Folder);
        var contents = files.Select(File.ReadAllBytes).ToArray();
        var damaged = (byte[])contents[0].Clone();
        damaged[7] ^= 1;
        File.WriteAllBytes(files[0], damaged);
        File.WriteAllBytes(files[1], contents[1][..100]);
        var repaired = Extraction(network);
        repaired.Of(images);
        Assert.Equal((2, 3), (repaired.Computed, repaired.Found));
        Assert.Equal(contents, files.Select(File.ReadAllBytes));
        Assert.Equal(files, Directory.GetFiles(first.Folder));

        // Other weights, preprocessing or cut: another folder.
        Assert.NotEqual(first.Folder, Extraction(network, PixelScaling.Caffe).Folder);
        Assert.NotEqual(first.Folder,
            new FeatureExtraction(network.Part(0, 3), PixelScaling.Rescale, ConvolutionAlgorithm.Auto, folder).Folder);
        var kernel = network.Parameters.First().Value;
        var values = kernel.ToArray();
        values[0] += 1e-3f;
        kernel.CopyFrom(values);
        Assert.NotEqual(first.Folder, Extraction(network).Folder);
        var changed = Extraction(network);
        changed.Of(images);
        Assert.Equal((5, 0), (changed.Computed, changed.Found));
    }

    // A file contains 3·3·6 numbers and a checksum.
    private const long BytesOfAFile = 3 * 3 * 6 * sizeof(float) + 32;

    private FeatureExtraction Used(Sequential network, PixelScaling scaling, ISampleSource images, int? hoursAgo = null)
    {
        var extraction = Extraction(network, scaling);
        extraction.Of(images);
        if (hoursAgo is { } hours)
            foreach (var file in Directory.GetFiles(extraction.Folder)) File.SetLastWriteTimeUtc(file, DateTime.UtcNow.AddHours(-hours));
        return extraction;
    }

    [SkippableFact]
    public void FeaturesThatChangeWhileTheyAreInUseAreNotReadAsIfTheyWereThose()
    {
        using var network = Network().Initialize(Device, 1);
        var images = new PatternSamples(3);
        foreach (var found in new[] { false, true })
        {
            using var extraction = Extraction(network);
            var features = extraction.Of(images);
            Assert.Equal(found ? 3 : 0, extraction.Found);
            var intact = Enumerable.Range(0, 3).Select(i => Bytes(features, i)).ToArray();
            var file = Directory.GetFiles(extraction.Folder).First(path => File.ReadAllBytes(path).AsSpan().StartsWith(intact[1]));
            byte[] whole = File.ReadAllBytes(file), flipped = [.. whole];
            flipped[17] ^= 4;
            var others = File.ReadAllBytes(Directory.GetFiles(extraction.Folder).First(path => path != file));
            foreach (var (content, says) in new (byte[]?,
                string)[] { (flipped, "changed"), (whole[..^40], "changed"), ([], "changed"), (others, "changed"),
                (null, "cannot be read any more") })
            {
                if (content is null) File.Delete(file);
                else File.WriteAllBytes(file, content);
                var error = Assert.Throws<FeatureFileException>(() => Bytes(features, 1));
                Assert.Contains(file, error.Message);
                Assert.Contains(says, error.Message);
                Assert.Equal(intact[0], Bytes(features, 0));
            }
            // Through the thread that assembles batches.
            Assert.Throws<FeatureFileException>(() => Batch(features, 3));
            File.WriteAllBytes(file, whole);
            Assert.Equal(intact[1], Bytes(features, 1));
        }
    }

    [SkippableFact]
    public void WhatAKilledTrainingLeftUnfinishedGoesWithTheNextOne()
    {
        using var network = Network().Initialize(Device, 1);
        using var extraction = Extraction(network);
        Directory.CreateDirectory(extraction.Folder);
        // More than any system gives one process.
        var orphan = Path.Combine(extraction.Folder, $".convolve-{int.MaxValue}-{Guid.NewGuid():N}.tmp");
        File.WriteAllText(orphan, "half");
        extraction.Of(new PatternSamples(2));
        Assert.False(File.Exists(orphan));
        Assert.Equal(2, Directory.GetFiles(extraction.Folder).Length);
    }

    [SkippableFact]
    public void BeyondTheLimitTheLeastRecentlyUsedFeaturesGoAndThoseInUseStay()
    {
        using var network = Network().Initialize(Device, 1);
        var images = new PatternSamples(5);
        var ours = Directory.CreateDirectory(Path.Combine(folder, "not-a-base")).FullName;
        File.WriteAllText(Path.Combine(ours, "notes.txt"), "kept");
        PixelScaling[] scalings = [new(1), new(2), new(3), new(4)];
        string[] folders = [.. scalings.Select((scaling, i) =>
            { using var old = Used(network, scaling, images, hoursAgo: 10 - i); return old.Folder; })];
        // The oldest is used again, so it is now the most recent.
        Used(network, scalings[0], images).Dispose();
        // Of the next base, one image is used again.
        Used(network, scalings[1], new PatternSamples(1)).Dispose();
        using var current = Used(network, PixelScaling.Rescale, images);

        // There are 25 files. If 17 may stay, the rest of the second base's and four of the third's are removed.
        Assert.Equal(new ClearedFeatures(0, 0, 25 * BytesOfAFile), current.Clear(25 * BytesOfAFile));
        Assert.Equal(new ClearedFeatures(8, 8 * BytesOfAFile, 17 * BytesOfAFile), current.Clear(17 * BytesOfAFile));
        Assert.Equal([5, 1, 1, 5], folders.Select(each => Directory.GetFiles(each).Length));
        Assert.Equal(new ClearedFeatures(1, BytesOfAFile, 16 * BytesOfAFile), current.Clear(17 * BytesOfAFile - 1));
        Assert.Equal((false, false), (Directory.Exists(folders[2]), File.Exists(folders[2] + ".lock")));

        // However small the limit, files in use stay and can be read.
        Assert.Equal(new ClearedFeatures(11, 11 * BytesOfAFile, 5 * BytesOfAFile), current.Clear(0));
        Assert.Equal([current.Folder, ours], Directory.GetDirectories(folder).Order(StringComparer.Ordinal));
        Assert.Equal("kept", File.ReadAllText(Path.Combine(ours, "notes.txt")));
        var again = Extraction(network);
        again.Of(images);
        Assert.Equal((0, 5), (again.Computed, again.Found));
        again.Dispose();
    }

    [SkippableFact]
    public void WhatAnotherTrainingIsAtIsNotRemoved()
    {
        using var network = Network().Initialize(Device, 1);
        using var current = Used(network, PixelScaling.Rescale, new PatternSamples(3));
        var other = Used(network, PixelScaling.Caffe, new PatternSamples(5), hoursAgo: 5);
        // The same base, other images.
        var beside = Used(network, PixelScaling.Rescale, new PatternSamples(7));
        Assert.Equal(new ClearedFeatures(0, 0, 12 * BytesOfAFile), current.Clear(0));
        beside.Dispose();
        Assert.Equal(new ClearedFeatures(4, 4 * BytesOfAFile, 8 * BytesOfAFile), current.Clear(0));
        other.Dispose();
        Assert.Equal(new ClearedFeatures(5, 5 * BytesOfAFile, 3 * BytesOfAFile), current.Clear(0));
        // It is still locked, so others do not remove it either.
        using var last = Used(network, PixelScaling.Torchvision, new PatternSamples(1));
        Assert.Equal(new ClearedFeatures(0, 0, 4 * BytesOfAFile), last.Clear(0));
        current.Dispose();
        Assert.Equal(new ClearedFeatures(3, 3 * BytesOfAFile, BytesOfAFile), last.Clear(0));
    }

    [SkippableFact]
    public void AHeadLearnsTheSameBitsFromComputedAndFromFoundFeaturesInTheMemoryPlanned()
    {
        var pool = Device.Pool;
        var results = new List<int[]>();
        for (var i = 0; i < 2; i++)
        {
            pool.Trim();
            var (allocated, deviations) = (pool.AllocatedBytes, pool.Deviations);
            using var network = Network();
            var head = network.Part(BaseLength, network.Layers.Count);
            var ofFeatures = options with { Scaling = null, Epochs = 10 };
            using var plan = MemoryPlan.For(Device, head, () => new RmsProp(), ofFeatures, 21, 10);
            plan.Reserve(Device);
            network.Initialize(Device, 1);
            using var optimizer = new RmsProp();
            using var trainer = new Trainer(head, optimizer, ofFeatures);
            var extraction = Extraction(network);
            trainer.Fit(extraction.Of(new PatternSamples(21)), extraction.Of(new PatternSamples(10)), []);
            using var empty = Device.WithoutMemory();
            Assert.True(pool.AllocatedBytes - allocated <= plan.Bytes - empty.Pool.AllocatedBytes,
                "a run on features takes no more than planned");
            Assert.Equal(deviations, pool.Deviations);
            Assert.True(trainer.History[^1].ValidationLoss < trainer.History[0].TrainLoss);
            results.Add(Bits(network));
        }
        Assert.Equal(results[0], results[1]);
    }

    [SkippableFact]
    public void BaseAndHeadLearnAtRatesOfTheirOwn()
    {
        var both = AfterAStep(0.1f, 0.5f);
        var half = AfterAStep(0.05f, 1);
        var full = AfterAStep(0.1f, 1);
        Assert.Equal(half[..6], both[..6]);
        Assert.Equal(full[6..], both[6..]);
        Assert.NotEqual(full[..6], both[..6]);
    }

    private float[][] AfterAStep(float rate, float factor)
    {
        using var network = Network(frozen: false).Initialize(Device, 1);
        foreach (var parameter in network.Layers.Take(BaseLength).SelectMany(layer => layer.Parameters))
            parameter.LearningRateFactor = factor;
        using var optimizer = new Sgd { LearningRate = rate };
        using var trainer = new Trainer(network, optimizer, options);
        trainer.Step(Batch(new PatternSamples(8), 8));
        return [.. network.Parameters.Select(p => p.Value.ToArray())];
    }

    [SkippableFact]
    public void APartOfANetworkIsRefusedWhereThereIsNone()
    {
        using var network = Network();
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Part(3, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => network.Part(0, 9));
        Assert.Throws<InvalidOperationException>(() => network.Part(0, 3).Initialize(Device, 1));
    }
}
