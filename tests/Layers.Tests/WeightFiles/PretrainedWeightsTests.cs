using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

[Collection(OnOpenCl.Name)]
public sealed class PretrainedWeightsTests(OpenClDevice opened) : DeviceTests(opened), IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("convolve-pretrained-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private WeightFile Read(byte[] bytes)
    {
        var path = Path.Combine(folder, "weights");
        File.WriteAllBytes(path, bytes);
        return WeightFile.Read(path);
    }

    /// <summary>Sorted by name, as in .safetensors and .npz, the tensors of a normalization are not in the layer's order.</summary>
    [SkippableTheory]
    [InlineData("norm1/", "norm2/", "running_mean", "running_variance", "scale", "shift")]
    [InlineData("norm1/", "norm2/", "beta:0", "gamma:0", "moving_mean:0", "moving_variance:0")]
    [InlineData("features.1.", "features.4.", "bias", "running_mean", "running_var", "weight")]
    public void NormalizationsAreReadByName(string first, string second, params string[] names)
    {
        var torch = first.Contains('.');
        var file = new SafeTensors();
        // A convolution's bias before the first normalization does not belong to it if only the order is known.
        file.Add(torch ? "features.0.bias" : "conv/bias", [2], [5, 6]);
        foreach (var name in names) file.Add(first + name, [2], Expected(1, name));
        file.Add(torch ? "features.0.weight" : "conv/kernel", torch ? [2, 1, 1, 1] : [1, 1, 1, 2], [7, 8]);
        foreach (var name in names) file.Add(second + name, [2], Expected(2, name));
        var path = Path.Combine(folder, "norm.safetensors");
        file.Write(path);
        using var network = new Sequential(new Shape(2, 2, 1),
        [
            new Conv2D(2, 1) { Name = "conv" }, new BatchNormalization { Name = "norm1" }, new BatchNormalization { Name = "norm2" },
        ]).Initialize(Device, 1);
        var weights = new PretrainedWeights(WeightFile.Read(path), network.Layers);
        Assert.Empty(weights.Unexpected);
        weights.Load();
        foreach (var layer in new[] { 1, 2 })
            Assert.Equal([Expected(layer, "scale"), Expected(layer, "shift"), Expected(layer, "running_mean"),
                Expected(layer, "running_variance")],
                network.Layers[layer].Parameters.Select(parameter => parameter.Value.ToArray()));
        Assert.Equal([5, 6], network.Layers[0].Parameters.Single(parameter => parameter.Shape.Rank == 1).Value.ToArray());

        static float[] Expected(int layer, string name) => (name.Split(':')[0] switch
        {
            "scale" or "gamma" or "weight" => 1,
            "shift" or "beta" or "bias" => 2,
            "running_mean" or "moving_mean" => 3,
            _ => 4,
        }) is var place ? [10 * layer + place, 20 * layer + place] : [];
    }

    [SkippableFact]
    public void ANormalizationWhoseTensorsHaveOtherNamesIsNotGuessed()
    {
        var file = new SafeTensors();
        foreach (var name in new[] { "a", "b", "c", "d" }) file.Add("norm/" + name, [2], [1, 2]);
        var path = Path.Combine(folder, "guess.safetensors");
        file.Write(path);
        using var network = new Sequential(new Shape(2), [new BatchNormalization { Name = "norm" }]);
        var weights = new PretrainedWeights(WeightFile.Read(path), network.Layers);
        Assert.Equal(["norm/scale", "norm/shift", "norm/running_mean", "norm/running_variance"], weights.Missing);
        Assert.Throws<WeightFileException>(weights.Load);
    }

    // A base of two convolutions, [1,1,1,2] and [1,1,2,2], and further tensors.
    private PretrainedWeights BaseFrom(string prefix, params (string Name, float Value)[] others)
    {
        var file = new SafeTensors();
        file.Add(prefix + "features.0.weight", [2, 1, 1, 1], [1, 2]);
        file.Add(prefix + "features.0.bias", [2], [3, 4]);
        file.Add(prefix + "features.3.weight", [2, 2, 1, 1], [5, 6, 7, 8]);
        file.Add(prefix + "features.3.bias", [2], [9, 10]);
        foreach (var (name, value) in others)
            file.Add(name, name.StartsWith("classifier", StringComparison.Ordinal) ? [2, 1]
                : name.EndsWith("weight", StringComparison.Ordinal) ? [2, 1, 1, 1] : [2], [value, value]);
        var path = Path.Combine(folder, $"base{others.Length}{prefix}.safetensors");
        file.Write(path);
        using var network = new Sequential(new Shape(2, 2, 1), [new Conv2D(2, 1) { Name = "conv1" }, new Conv2D(2, 1) { Name = "conv2" }]);
        return new PretrainedWeights(WeightFile.Read(path), network.Layers);
    }

    /// <summary>Later layers and heads may stay unused; layers in between, or a second network, may not.</summary>
    [SkippableFact]
    public void WhatAFileHoldsBesidesIsNotPassedOverWhereItChangesTheMeaning()
    {
        BaseFrom("", ("features.4.running_mean", 1)).RequireFit();
        BaseFrom("", ("classifier.0.weight", 1)).RequireFit();
        Assert.Contains("a normalization (features.1.running_mean) that the network does not have",
            Assert.Throws<WeightFileException>(BaseFrom("", ("features.1.running_mean", 1),
            ("features.1.running_var", 1)).RequireFit).Message);
        Assert.Contains("holds several networks, ema.features.0.weight of one and model.features.0.weight of another",
            Assert.Throws<WeightFileException>(BaseFrom("ema.", ("model.features.0.weight", 1)).RequireFit).Message);
    }

    [SkippableTheory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void ValuesThatAreNoNumbersAreRefused(float value)
    {
        var file = new SafeTensors();
        file.Add("conv/kernel", [1, 1, 1, 2], [1, value]);
        file.Add("conv/bias", [2], [1, 2]);
        var path = Path.Combine(folder, "nan.safetensors");
        file.Write(path);
        using var network = new Sequential(new Shape(2, 2, 1), [new Conv2D(2, 1) { Name = "conv" }]);
        Assert.Contains("no numbers, in conv/kernel",
            Assert.Throws<WeightFileException>(new PretrainedWeights(WeightFile.Read(path), network.Layers).RequireFit).Message);
    }

    /// <summary>Keras' files of a base that is a layer of another network, and of a base with custom layer names.</summary>
    [SkippableTheory]
    [InlineData("base", "block1_conv1/", "block1_conv2/")]
    [InlineData("base", "conv2d_1/", "conv2d_2/")]
    public void BasesWithinOtherNetworksAndWithOtherNamesAreFound(string outer, string first, string second)
    {
        var bytes = MadeWeights.Keras(inModel: true,
            (outer, [(first + "kernel:0", new float[1, 1, 1, 2] { { { { 1, 2 } } } }), (first + "bias:0", new float[] { 3, 4 }),
                (second + "kernel:0", new float[1, 1, 2, 1] { { { { 5 }, { 6 } } } }), (second + "bias:0", new float[] { 7 })]),
            ("dense", [("dense/kernel:0", new float[1, 1] { { 8 } }), ("dense/bias:0", new float[] { 9 })]));
        using var network = new Sequential(new Shape(1, 1, 1),
            [new Conv2D(2, 1) { Name = "block1_conv1" }, new Conv2D(1, 1) { Name = "block1_conv2" }]).Initialize(Device, 1);
        new PretrainedWeights(Read(bytes), network.Layers).Load();
        Assert.Equal([[1, 2], [3, 4], [5, 6], [7]], network.Parameters.Select(parameter => parameter.Value.ToArray()));
    }

    private static Sequential Network() => new(new Shape(6, 6, 2),
    [
        new Conv2D(4, 3) { Name = "block1_conv1", Padding = Padding.Same, Activation = ActivationFunction.Relu },
        new MaxPooling2D { Name = "pool" },
        new Conv2D(5, 2) { Name = "block1_conv2" },
        new Flatten { Name = "flatten" },
        new Dense(3) { Name = "dense1" },
        new Dense(2) { Name = "logits" },
    ]);

    // PyTorch's order throughout: images [C,H,W], kernels [O,I,H,W], weights [out,in], channels outermost when flattened.
    private static double[] TorchForward(Dictionary<string, float[]> weights, float[] image)
    {
        var x = Convolve(InDouble(image), 2, 6, weights["features.0.weight"], weights["features.0.bias"], 3, 1);
        for (var i = 0; i < x.Length; i++) x[i] = Math.Max(0, x[i]);
        var pooled = new double[4 * 3 * 3];
        for (var i = 0; i < pooled.Length; i++)
        {
            var (c, h, w) = (i / 9, i / 3 % 3, i % 3);
            pooled[i] = new[] { (0, 0), (0, 1), (1, 0), (1, 1) }.Max(d => x[(c * 6 + 2 * h + d.Item1) * 6 + 2 * w + d.Item2]);
        }
        var y = Convolve(pooled, 4, 3, weights["features.3.weight"], weights["features.3.bias"], 2, 0);
        return Dense(Dense(y, weights["classifier.0.weight"], weights["classifier.0.bias"]), weights["classifier.3.weight"],
            weights["classifier.3.bias"]);
    }

    private static double[] Convolve(double[] x, int channels, int side, float[] kernel, float[] bias, int window, int padding)
    {
        var size = side + 2 * padding - window + 1;
        var y = new double[bias.Length * size * size];
        for (var i = 0; i < y.Length; i++)
        {
            var (o, h, w) = (i / (size * size), i / size % size, i % size);
            y[i] = bias[o];
            for (var k = 0; k < channels * window * window; k++)
            {
                var (c, row, column) = (k / (window * window), h + k / window % window - padding, w + k % window - padding);
                if (row >= 0 && row < side && column >= 0 && column < side)
                    y[i] += x[(c * side + row) * side + column] * kernel[o * channels * window * window + k];
            }
        }
        return y;
    }

    private static double[] Dense(double[] x, float[] weight, float[] bias) =>
        [.. bias.Select((b, o) => b + x.Select((value, i) => value * weight[o * x.Length + i]).Sum())];

    private static double[] InDouble(float[] values) => Array.ConvertAll(values, v => (double)v);

    private static (Dictionary<string, float[]> Weights, View[] Views) TorchWeights(int seed)
    {
        (string Name, long[] Size)[] tensors =
        [
            ("features.0.weight", [4, 2, 3, 3]), ("features.0.bias", [4]), ("features.3.weight", [5, 4, 2, 2]), ("features.3.bias", [5]),
            ("classifier.0.weight", [3, 20]), ("classifier.0.bias", [3]), ("classifier.3.weight", [2, 3]), ("classifier.3.bias", [2]),
        ];
        return (tensors.Select((tensor, i) =>
            (tensor.Name, Values: RandomCases.Values(seed, i, (int)tensor.Size.Aggregate(1L, (a, b) => a * b))))
            .ToDictionary(tensor => tensor.Name, tensor => tensor.Values),
            [.. tensors.Select(tensor => View.Of(tensor.Name, tensor.Name, tensor.Size))]);
    }

    [SkippableFact]
    public void APyTorchNetworkGivesTheSameAnswersHere() =>
        ForAll(RandomCases.Seed, 8, seed =>
        {
            var (weights, views) = TorchWeights(seed);
            var image = RandomCases.Values(seed, 99, 2 * 6 * 6);
            using var network = Network().Initialize(Device, 1);
            foreach (var bytes in new[] { MadeWeights.Torch(weights, views), MadeWeights
                .TorchLegacy(weights, views), AsSafeTensors(weights, views), AsConverted(weights, views) })
            {
                foreach (var parameter in network.Parameters) parameter.Value.Fill(Sentinel);
                var pretrained = new PretrainedWeights(Read(bytes), network.Layers);
                pretrained.Load();
                Assert.Empty(pretrained.Unexpected);
                // [C,H,W] → [H,W,C]
                using var batch = Upload(new Shape(1, 6, 6, 2),
                    [.. Enumerable.Range(0, image.Length).Select(i => image[i % 2 * 36 + i / 2])]);
                using var output = network.Predict(batch);
                new Tolerance(1e-4, 1e-4).Check("network of PyTorch", TorchForward(weights, image), output.ToArray());
            }
        });

    private byte[] AsSafeTensors(Dictionary<string, float[]> weights, View[] views)
    {
        var path = Path.Combine(folder, "as.safetensors");
        WeightFile.WriteSafeTensors(path, new(views.Select(view => KeyValuePair.Create(
            view.Name, new StoredTensor([.. view.Size.Select(size => (int)size)], weights[view.Name])))), TensorLayout.Unsaid);
        return File.ReadAllBytes(path);
    }

    // Already in Convolve's layout, under PyTorch's names: must not be converted again.
    private byte[] AsConverted(Dictionary<string, float[]> weights, View[] views)
    {
        var path = Path.Combine(folder, "converted.safetensors");
        WeightFile.WriteSafeTensors(path, ConvolveLayout.Of(Read(MadeWeights.Torch(weights, views))), TensorLayout.Convolve);
        return File.ReadAllBytes(path);
    }

    [SkippableFact]
    public void WhatDoesNotFitIsListed()
    {
        using var network = Network().Initialize(Device, 1);
        var before = network.Parameters.First().Value.ToArray();
        var file = Read(MadeWeights.Keras(false,
            ("block1_conv1", [("W", new float[3, 3, 2, 4]), ("b", new float[7])]),
            ("block1_conv2", [("W", new float[2, 2, 4, 5]), ("b", new float[5])]),
            ("fc9", [("W", new float[2, 2])])));
        var pretrained = new PretrainedWeights(file, network.Layers);
        Assert.Equal(["dense1/kernel", "dense1/bias", "logits/kernel", "logits/bias"], pretrained.Missing);
        Assert.Equal("block1_conv1/b is [7] where block1_conv1/bias is [4]", Assert.Single(pretrained.Misshapen));
        Assert.Equal(["fc9/W"], pretrained.Unexpected);
        var error = Assert.Throws<WeightFileException>(pretrained.Load);
        foreach (var mention in new[] { "missing dense1/kernel", "block1_conv1/b is [7]", "not used fc9/W" })
            Assert.Contains(mention, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        // Nothing was overwritten.
        Assert.Equal(before, network.Parameters.First().Value.ToArray());

        // The layers that the file contains can be filled on their own.
        var sound = Read(MadeWeights
            .Keras(true, ("block1_conv1", [("block1_conv1/kernel:0", new float[3, 3, 2, 4]), ("block1_conv1/bias:0", new float[4])]),
            ("block1_conv2", [("k", new float[2, 2, 4, 5]), ("b", new float[5])])));
        new PretrainedWeights(sound, [.. network.Layers.Take(3)]).Load();
        Assert.All(network.Parameters.First().Value.ToArray(), value => Assert.Equal(0, value));
    }

    [SkippableFact]
    public void RealVgg19ReproducesTheReferenceUnderBothPreprocessings()
    {
        var file = WeightFile.Read(SharedWeights.Path("vgg19/vgg19_imagenet_block1to3_HWIO.npz"));
        var reference = WeightFile.Read(SharedWeights.Path("vgg19/block3_pool_reference.npz")).Tensors;
        var whole = ReferenceNetworks.Vgg19(150);
        var last = whole.Layers.ToList().FindIndex(layer => layer.Name == "block3_pool");
        using var network = NetworkDescription.FromJson(NetworkDescription.ToJson(whole.Part(0, last + 1))).Initialize(Device, 1);
        new PretrainedWeights(file, network.Layers).Load();
        var images = reference["input_rgb_u8_150"];
        using var pixels = new StagedPixels(Device, images.Values.Length);
        pixels.Upload([.. images.Values.Select(value => (byte)value)]);
        using var batch = Prefilled(new Shape(images.Shape));
        foreach (var (scaling, name) in new[] { (PixelScaling.Rescale, "rescale255_RGB"), (PixelScaling.Caffe, "caffe_BGR_minus_mean") })
        {
            PixelConversionOperation.Apply(pixels, batch, scaling);
            using var output = network.Predict(batch);
            var expected = InDouble(reference[$"{name}/block3_pool_NHWC_f32"].Values);
            Tolerance.OfLargest(1e-3, expected).Check(name, expected, output.ToArray());
        }
        var missing = Assert.Throws<WeightFileException>(new PretrainedWeights(file, whole.Layers).Load);
        Assert.Contains("missing block4_conv1/kernel", missing.Message);
    }
}
