using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Layers.Tests.Networks;

/// <summary>Properties of a network before it allocates any memory.</summary>
public sealed class SequentialShapeTests
{
    public static TheoryData<string, Sequential, long> Counts => new()
    {
        { "CNN at 150 px", ReferenceNetworks.Cnn(150), 3_453_121 },
        { "CNN at 210 px", ReferenceNetworks.Cnn(210), 8_171_713 },
        { "CNN with dropout", ReferenceNetworks.Cnn(210, dropout: 0.05f, denseDropout: 0.2f, l1: 1e-6f, l2: 1e-3f), 8_171_713 },
        { "MLP", ReferenceNetworks.Mlp(150), 1_350_213 },
        { "VGG19 with its head of 16", ReferenceNetworks.Vgg19(150, head: 16), 20_024_384 + 8192 * 16 + 16 + 17 },
    };

    [Theory]
    [MemberData(nameof(Counts))]
    public void ParametersAreThoseOfTheReferenceExperiments(string name, Sequential network, long count)
    {
        Assert.True(count == network.ParameterCount, $"{name}: {network.ParameterCount} parameters instead of {count}");
        Assert.Equal(count, network.TrainableCount);
        Assert.Equal(count, network.Summary().Sum(r => r.Parameters));
    }

    // Counted by hand: kernels, two trained and two other numbers per channel, and the head.
    [Fact]
    public void CompactHasHalfAMillionParameters()
    {
        var network = CompactNetwork.Build(150);
        const int kernels = 9 * (1 * 16 + 16 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 192),
            channels = 16 + 32 + 64 + 64 + 128 + 128 + 192;
        Assert.Equal(kernels + 4 * channels + 193, network.ParameterCount);
        Assert.Equal(kernels + 2 * channels + 193, network.TrainableCount);
        Assert.InRange(network.ParameterCount, 1, 1_000_000);
        Assert.Equal(new Shape(9, 9, 192), network.Layers.Single(l => l.Name == "block5_norm1").OutputShape);
        Assert.Equal(NetworkDescription.ToJson(network).ToJsonString(),
            NetworkDescription.ToJson(NetworkDescription.FromJson(NetworkDescription.ToJson(network))).ToJsonString());
        // Any size from the smallest on works, because the mean is over all positions.
        Assert.Equal(network.ParameterCount, CompactNetwork.Build(CompactNetwork.SmallestPixels).ParameterCount);
        Assert.Throws<ArgumentException>(() => CompactNetwork.Build(CompactNetwork.SmallestPixels - 1));
    }

    [Fact]
    public void Vgg19FineTunedAsInTheReferenceTrainsItsLastConvolutionAndHead()
    {
        var network = ReferenceNetworks.Vgg19(150, head: 16);
        Assert.Equal(20_024_384, network.Layers.Where(l => l is Conv2D).Sum(l => l.Parameters.Sum(p => (long)p.Shape.Length)));
        foreach (var layer in network.Layers) layer.Trainable = layer.Name is "block5_conv4" or "dense1" or "logits";
        Assert.Equal(2_490_913, network.TrainableCount);
        Assert.Equal(2_490_913, network.Summary().Sum(r => r.Trainable));
        Assert.False(network.Layers[0].Trainable);
        Assert.False(network.Layers.Single(l => l.Name == "flatten").Trainable);
        Assert.Equal(new Shape(4, 4, 512), network.Layers.Single(l => l.Name == "block5_pool").OutputShape);
    }

    [Fact]
    public void SummaryHasARowPerLayer()
    {
        var rows = ReferenceNetworks.Cnn(150, dropout: 0.05f).Summary();
        Assert.Equal("conv1", rows[0].Name);
        Assert.Equal("conv2d", rows[0].Kind);
        Assert.Equal(new Shape(148, 148, 32), rows[0].OutputShape);
        Assert.Equal(896, rows[0].Parameters);
        Assert.Equal(2.0 * 148 * 148 * 27 * 32, rows[0].Flops);
        Assert.Equal("dropout1", rows[2].Name);
        Assert.Equal(new Shape(74, 74, 32), rows[2].OutputShape);
        Assert.Equal(0, rows[2].Parameters);
        Assert.Equal(new Shape(1), rows[^1].OutputShape);
        Assert.Equal(2.0 * 512, rows[^1].Flops);
    }

    [Fact]
    public void LayersWithoutNamesAreNumberedByKindAndNamesAreUnique()
    {
        var network = new Sequential(new Shape(4, 4, 1), new Conv2D(2, 3), new Flatten(), new Dense(3), new Dense(2) { Name = "logits" });
        Assert.Equal(["conv2d_1", "flatten_1", "dense_1", "logits"], network.Layers.Select(l => l.Name));
        Assert.Equal(["conv2d_1/kernel", "conv2d_1/bias", "dense_1/kernel", "dense_1/bias", "logits/kernel", "logits/bias"],
            network.Parameters.Select(p => p.Name));
        var error = Assert.Throws<ArgumentException>(() =>
            new Sequential(new Shape(3), new Dense(3) { Name = "same" }, new Dense(2) { Name = "same" }));
        Assert.Equal("two layers are called same", error.Message);
    }

    [Fact]
    public void ALayerBelongsToOneNetwork()
    {
        var shared = new Dense(3) { Name = "shared" };
        var first = new Sequential(new Shape(4), new Dense(5), shared);
        var error = Assert.Throws<ArgumentException>(() => new Sequential(new Shape(7), shared, new Dense(1)));
        Assert.Equal("layer shared belongs to the network of 2 layers that takes [4] already, as number 2, and cannot be number 1 of the "
            + "network of 2 layers that takes [7] as well: "
            + "a layer holds its network's weights; make a new layer, or use Part of the network that it belongs to", error.Message);
        // The first network is unchanged.
        Assert.Equal(new Shape(5), shared.InputShape);
        Assert.Equal(new Shape(5, 3), first.Parameters.ElementAt(2).Shape);
        Assert.Equal(first.Layers[1], first.Part(1, 2).Layers[0]);
    }

    [Fact]
    public void ALayerStandsInANetworkOnce()
    {
        var twice = new Dense(4);
        var error = Assert.Throws<ArgumentException>(() => new Sequential(new Shape(4), twice, new Dense(4), twice));
        Assert.Equal("layer dense_1 stands in the network of 3 layers that takes [4] twice, as number 1 and number 3: make two layers",
            error.Message);
    }

    [Fact]
    public void LayersOfANetworkThatDidNotComeAboutAreFree()
    {
        var layer = new Dense(4);
        var named = new Dense(4) { Name = "named" };
        Assert.Throws<ArgumentException>(() => new Sequential(new Shape(4), new Flatten(), layer, named, new Conv2D(1, 1)));
        Assert.Throws<InvalidOperationException>(() => layer.Name);
        Assert.Equal(["dense_1", "named"], new Sequential(new Shape(6), layer, named).Layers.Select(l => l.Name));
        Assert.Equal(new Shape(6, 4), layer.Parameters[0].Shape);
    }

    public static TheoryData<string, Action> Mistakes => new()
    {
        { "layer pool4: pooling: window 2x2 is larger than the input [1,1,1,128]", () => ReferenceNetworks.Cnn(45) },
        { "layer conv2: convolution: kernel [3,3,32,64] is larger than the input [1,1,1,32]", () => ReferenceNetworks.Cnn(5) },
        { "layer block5_pool: pooling: window 2x2 is larger than the input [1,1,1,512]", () => ReferenceNetworks.Vgg19(31) },
        { "layer dense_1: dense needs rows [in], not [4,4,1]", () => _ = new Sequential(new Shape(4, 4, 1), new Dense(3)) },
        { "layer conv2d_1: convolution needs images [H,W,C], not [16]", () => _ = new Sequential(new Shape(16), new Conv2D(3, 3)) },
        { "layer max_pool2d_1: max pooling needs images [H,W,C], not [16]", () => _ = new Sequential(new Shape(16), new MaxPooling2D()) },
        { "layer global_average_pool_1: global average pooling needs images [H,W,C], not [16]", () =>
            _ = new Sequential(new Shape(16), new GlobalAveragePooling2D()) },
        { "layer dense_1: units 0 must be at least 1", () => _ = new Sequential(new Shape(16), new Dense(0)) },
        { "layer conv2d_1: filters 0 and kernel 3 must be at least 1", () => _ = new Sequential(new Shape(4, 4, 1), new Conv2D(0, 3)) },
        { "layer dropout_1: dropout rate 1 must be at least 0 and below 1", () => _ = new Sequential(new Shape(16), new Dropout(1)) },
        { "layer activation_1: an activation layer applies relu, sigmoid or softmax, not linear", () =>
            _ = new Sequential(new Shape(16), new Activation(ActivationFunction.Linear)) },
        {
            "layer dense_1: its kernels cannot apply sigmoid: add an activation layer after it",
            () => _ = new Sequential(new Shape(16), new Dense(2) { Activation = ActivationFunction.Sigmoid })
        },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void MistakesNameTheLayerAndTheShape(string message, Action mistake)
    {
        var error = Assert.Throws<ArgumentException>(mistake);
        Assert.StartsWith(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(46)]
    [InlineData(47)]
    public void SmallestImagesThatPassTheCnn(int pixels) => Assert.Equal(new Shape(1), ReferenceNetworks.Cnn(pixels).OutputShape);
}

/// <summary>Networks on a device.</summary>
public abstract class SequentialTests(OpenedDevice opened) : DeviceTests(opened)
{
    private static readonly Shape image = new(14, 11, 3);

    [SkippableFact]
    public void SeedFixesTheFirstValuesAndAnotherSeedChangesThem()
    {
        using var first = SmallCnn().Initialize(Device, 5);
        using var second = SmallCnn().Initialize(Device, 5);
        using var other = SmallCnn().Initialize(Device, 6);
        foreach (var (a, b) in first.Parameters.Zip(second.Parameters)) Tolerance.Exact.Check(a.Name, a.Value.ToArray(), b.Value.ToArray());
        Assert.NotEqual(first.Parameters.First().Value.ToArray(), other.Parameters.First().Value.ToArray());
        var kernels = first.Parameters.Where(p => p.Name.EndsWith("/kernel", StringComparison.Ordinal)).Select(p => p.Value.ToArray()[0])
            .ToArray();
        Assert.Equal(kernels.Length, kernels.Distinct().Count());
        Assert.All(first.Parameters.Where(p => p.Name.EndsWith("/bias", StringComparison.Ordinal)), p =>
            Assert.All(p.Value.ToArray(), v => Assert.Equal(0, v)));
    }

    [SkippableFact]
    public void PredictionEqualsARecordedForwardPassAndLeavesNothingBehind()
    {
        using var network = SmallCnn().Initialize(Device, 5);
        using var batch = Upload(new Shape(3, 14, 11, 3), RandomCases.Values(1, 1, 3 * 14 * 11 * 3));
        var used = Device.Pool.UsedBytes;
        float[] predicted;
        using (var output = network.Predict(batch)) predicted = output.ToArray();
        Assert.Equal(used, Device.Pool.UsedBytes);
        using var tape = new Tape(Device);
        Tolerance.Exact.Check("forward pass", predicted, network.Forward(tape, batch, Pass.Inference).ToArray());
    }

    [SkippableFact]
    public void DropoutIsOffWhilePredictingAndChangesWithEveryStep()
    {
        using var network = new Sequential(new Shape(400), new Dropout(0.5f) { Name = "a" }, new Dropout(0.25f) { Name = "b" })
            .Initialize(Device, 1);
        using var ones = Prefilled(new Shape(2, 400), 1);
        float[] Run(Pass pass)
        {
            using var output = network.Predict(ones, pass);
            return output.ToArray();
        }
        Assert.All(Run(Pass.Inference), v => Assert.Equal(1, v));
        var first = Run(new Pass(Training: true, Seed: 3, Step: 1));
        Tolerance.Exact.Check("same step", first, Run(new Pass(Training: true, Seed: 3, Step: 1)));
        Assert.NotEqual(first, Run(new Pass(Training: true, Seed: 3, Step: 2)));
        Assert.NotEqual(first, Run(new Pass(Training: true, Seed: 4, Step: 1)));
        // Two independent masks keep 0.5 · 0.75; a shared mask would keep 0.5.
        Assert.InRange(first.Count(v => v != 0) / 800.0, 0.375 - 0.1, 0.375 + 0.1);
    }

    [SkippableFact]
    public void WrongBatchesAreNamed()
    {
        using var network = SmallCnn().Initialize(Device, 5);
        using var tape = new Tape(Device);
        using var batch = Prefilled(new Shape(2, 11, 14, 3));
        Assert.Equal("network: batch [2,11,14,3] does not fit the input [14,11,3]",
            Assert.Throws<ArgumentException>(() => network.Forward(tape, batch, Pass.Inference)).Message);
        using var uninitialized = SmallCnn();
        Assert.Contains("initialize the network first",
            Assert.Throws<InvalidOperationException>(() => uninitialized.Parameters.First().Value).Message);
    }

    [SkippableFact]
    public void FrozenLayersStayAsTheyAre()
    {
        using var network = SmallCnn().Initialize(Device, 5);
        network.Layers[0].Trainable = false;
        using var optimizer = new Adam();
        var before = network.Parameters.Select(p => p.Value.ToArray()).ToArray();
        Train(network, optimizer, 1);
        foreach (var (parameter, old) in network.Parameters.Zip(before))
            if (parameter.Trainable) Assert.NotEqual(old, parameter.Value.ToArray());
            else Tolerance.Exact.Check(parameter.Name, old, parameter.Value.ToArray());
        Assert.DoesNotContain(optimizer.State.Keys, k => k.StartsWith(network.Layers[0].Name, StringComparison.Ordinal));
    }

    [SkippableFact]
    public void TrainingTwiceGivesTheSameBitsAndItsMemoryBack()
    {
        var used = Device.Pool.UsedBytes;
        var runs = new List<float[]>();
        for (var run = 0; run < 2; run++)
        {
            using var network = SmallCnn().Initialize(Device, 5);
            using var optimizer = new RmsProp();
            Train(network, optimizer, 3);
            runs.Add([.. network.Parameters.SelectMany(p => p.Value.ToArray())]);
        }
        Assert.Equal(runs[0].Select(BitConverter.SingleToInt32Bits), runs[1].Select(BitConverter.SingleToInt32Bits));
        Assert.Equal(used, Device.Pool.UsedBytes);
    }

    [SkippableFact]
    public void StepsAllocateNothingAfterTheSecond()
    {
        using var network = SmallCnn().Initialize(Device, 5);
        using var optimizer = new Adam();
        Train(network, optimizer, 2);
        var allocations = Device.Pool.Allocations;
        Train(network, optimizer, 4);
        Assert.Equal(allocations, Device.Pool.Allocations);
    }

    // The network fuses a ReLU into the max pooling after it; single layers do not.
    [SkippableFact]
    public void ReluInThePoolingGivesTheBitsOfReluInTheConvolution()
    {
        using var network = new Sequential(image,
            new Conv2D(5, 3) { Activation = ActivationFunction.Relu }, new MaxPooling2D(),
            new Conv2D(7, 3) { Activation = ActivationFunction.Relu },
            new MaxPooling2D(2) { Stride = 1 }, new Flatten(), new Dense(1)).Initialize(Device, 5);
        using var batch = Upload(new Shape([4, .. image.Sizes]), RandomCases.Values(2, 1, 4 * image.Length));
        using var upstream = Upload(new Shape(4, 1), RandomCases.Values(3, 1, 4));
        var gradients = new List<int[]>();
        foreach (var fused in new[] { true, false })
        {
            using var tape = new Tape(Device);
            var pass = new Pass(Training: true);
            var output = fused
                ? network.Forward(tape, batch, pass)
                : network.Layers.Aggregate(batch, (value, layer) => layer.Forward(tape, value, pass));
            tape.Backward(output, upstream);
            gradients.Add([.. network.Parameters.SelectMany(p => p.Value.Gradient!.ToArray()).Select(BitConverter.SingleToInt32Bits)]);
            foreach (var parameter in network.Parameters) parameter.Value.ClearGradient();
        }
        Assert.Equal(gradients[0], gradients[1]);
    }

    [SkippableFact]
    public void ParametersWithoutAGradientStayAndUnfrozenOnesJoin()
    {
        using var network = SmallCnn().Initialize(Device, 5);
        using var optimizer = new RmsProp();
        var (first, last) = (network.Layers[0], network.Layers[^1]);
        first.Trainable = false;
        Train(network, optimizer, 2);
        var square = optimizer.State[last.Name + "/bias/mean_square"].ToArray();
        Assert.NotEqual(0, square[0]);
        first.Trainable = true;
        // Unfreezing moves all gradients and states: existing state moves along, and new state starts at zero.
        Train(network, optimizer, 1);
        Assert.NotEqual(square, optimizer.State[last.Name + "/bias/mean_square"].ToArray());
        Assert.All(optimizer.State[first.Name + "/kernel/mean_square"].ToArray(), v => Assert.True(v > 0));
        var before = network.Parameters.Select(p => p.Value.ToArray()).ToArray();
        optimizer.Step(network.Parameters);
        Assert.Equal(before, network.Parameters.Select(p => p.Value.ToArray()));
        using var other = SmallCnn().Initialize(Device, 6);
        foreach (var trained in new[] { network, other })
        {
            using var tape = new Tape(Device);
            using var batch = Upload(new Shape([4, .. image.Sizes]), RandomCases.Values(2, 1, 4 * image.Length));
            using var upstream = Prefilled(new Shape(4, 1), 1);
            tape.Backward(trained.Forward(tape, batch, new Pass(Training: true)), upstream);
        }
        Assert.Contains("another network", Assert.Throws<ArgumentException>(() =>
            optimizer.Step(network.Parameters.Concat(other.Parameters))).Message);
        last.Trainable = false;
        first.Trainable = false;
        using var late = new Tape(Device);
        using var input = Prefilled(new Shape([1, .. image.Sizes]));
        Assert.Contains("after the optimizer's step",
            Assert.Throws<InvalidOperationException>(() => network.Forward(late, input, new Pass(Training: true))).Message);
    }

    // Recorded from this engine: changes to training beyond rounding error fail here.
    [SkippableFact]
    public void LossCurveIsTheRecordedOne()
    {
        using var network = SmallCnn().Initialize(Device, 5);
        using var optimizer = new RmsProp();
        double[] recorded =
        [
            0.71214026, 0.66856074, 0.6739226, 0.6438127, 0.6031967, 0.6465486, 0.5993334, 0.573242, 0.60656273, 0.5935555,
            0.56135947, 0.55771786, 0.53200907, 0.5638712, 0.5549792, 0.53581464, 0.4892653, 0.497463, 0.5117615, 0.5023482,
        ];
        new Tolerance(0, 1e-3).Check("loss curve", recorded, Train(network, optimizer, 20));
    }

    private static Sequential SmallCnn() => new(image,
        new Conv2D(5, 3) { Activation = ActivationFunction.Relu, L1 = 1e-4f, L2 = 1e-3f }, new MaxPooling2D(),
        new Conv2D(7, 3) { Activation = ActivationFunction.Relu },
        new Flatten(), new Dropout(0.1f), new Dense(6) { Activation = ActivationFunction.Relu }, new Dense(1));

    private float[] Train(Sequential network, Optimizer optimizer, int steps)
    {
        using var batch = Upload(new Shape([4, .. image.Sizes]), RandomCases.Values(2, 1, 4 * image.Length));
        using var targets = Upload(new Shape(4), [0, 1, 1, 0]);
        var losses = new float[steps];
        for (var step = 0; step < steps; step++)
        {
            using var tape = new Tape(Device);
            var logits = network.Forward(tape, batch, new Pass(Training: true, Seed: 1, Step: step));
            var loss = network.AddPenalties(tape, LossOperation.BinaryCrossEntropy(tape, logits, targets));
            losses[step] = loss.ToArray()[0];
            tape.Backward(loss);
            optimizer.Step(network.Parameters);
        }
        return losses;
    }
}

[Collection(OnOpenCl.Name)]
public sealed class SequentialOnOpenCl(OpenClDevice device) : SequentialTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class SequentialOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : SequentialTests(device);

[Collection(OnIlgpu.Name)]
public sealed class SequentialOnIlgpu(IlgpuDevice device) : SequentialTests(device);
