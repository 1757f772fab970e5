using System.Globalization;
using Convolve.Engine;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;

namespace Convolve.Benchmarks;

/// <summary>
/// What each faster rung of an operation bought, as the tables of docs/learn have it: <c>rungs activations</c>, <c>pooling</c>,
/// <c>losses</c>, <c>dropout</c>, <c>augmentation</c>, <c>normalization</c>, <c>optimizers</c>. Every figure is the fastest of several
/// runs (<see cref="Device.Milliseconds"/>), the rungs of a table in turn.
/// </summary>
internal sealed class RungTable : IDisposable
{
    private const int Rounds = 5;

    private readonly DeviceCatalogue catalogue = new();
    private readonly Device device;
    private readonly List<Tensor> tensors = [];
    private readonly List<(string Rung, Func<double> Milliseconds)> rungs = [];
    private readonly List<double> best = [];

    private RungTable() => device = catalogue.Open(catalogue.Choose().Device);

    /// <summary>Measures the rungs of an operation and prints their table.</summary>
    /// <returns>0, or 2 if there is no such table.</returns>
    public static int Print(string operation, TextWriter output)
    {
        using var table = new RungTable();
        Action? fill = operation switch
        {
            "activations" => table.Activations,
            "pooling" => table.Pooling,
            "losses" => table.Losses,
            "dropout" => table.Dropout,
            "augmentation" => table.Augmentation,
            "normalization" => table.Normalization,
            "optimizers" => table.Optimizers,
            _ => null,
        };
        if (fill is null)
        {
            output.WriteLine($"rungs {operation}: no such table; there are activations, pooling, losses, dropout, augmentation, "
                + "normalization, optimizers");
            return 2;
        }
        fill();
        table.Write(output);
        return 0;
    }

    public void Dispose()
    {
        foreach (var tensor in tensors) tensor.Dispose();
        device.Dispose();
        catalogue.Dispose();
    }

    // The reference CNN's second convolution at a batch of 32, and its ReLU, forward.
    private void Activations()
    {
        var geometry = ConvolutionGeometry.Create(new Shape(32, 74, 74, 32), new Shape(3, 3, 32, 64), Padding.Valid);
        Tensor input = Random(geometry.Input, 1), kernel = Random(geometry.Kernel, 2), bias = Random(new Shape(64), 3),
            output = New(geometry.Output);
        Rung("the convolution without ReLU", () =>
            ConvolutionOperation.Forward(geometry, input, kernel, bias, output, false, ConvolutionAlgorithm.Auto));
        Rung("and ReLU in a kernel of its own", () =>
        {
            using var tape = new Tape(device, recording: false);
            ConvolutionOperation.Forward(geometry, input, kernel, bias, output, false, ConvolutionAlgorithm.Auto);
            Engine.Operations.Activation.ActivationOperation.Relu(tape, output);
        });
        Rung("ReLU in the convolution's last step", () =>
            ConvolutionOperation.Forward(geometry, input, kernel, bias, output, true, ConvolutionAlgorithm.Auto));
    }

    // What follows it: 2 × 2 max pooling, with ReLU, forward and back.
    private void Pooling()
    {
        Tensor leaf = Random(new Shape(32, 72, 72, 64), 1), upstream = Random(new Shape(32, 36, 36, 64), 2);
        leaf.RequiresGradient = true;
        Rung("ReLU in a kernel of its own, then pooling; forward and back", () =>
        {
            using var tape = new Tape(device);
            tape.Backward(MaxPoolingOperation.Apply(tape, Engine.Operations.Activation.ActivationOperation.Relu(tape, leaf), 2, 2, 2),
                upstream);
            leaf.ClearGradient();
        });
        Rung("ReLU in passing; forward and back", () =>
        {
            using var tape = new Tape(device);
            tape.Backward(MaxPoolingOperation.Apply(tape, leaf, 2, 2, 2, relu: true), upstream);
            leaf.ClearGradient();
        });
    }

    // A batch of 100 logits, forward and back.
    private void Losses()
    {
        const int Rows = 100;
        Tensor logits = Random(new Shape(Rows, 1), 1), targets = Made(new Shape(Rows), i => i % 2);
        Tensor p = New(Rows), loss = New(Rows), mean = New(1), upstream = New(Rows), gradient = New(Rows);
        Rung("on probabilities: five kernels", () =>
        {
            device.Launch(Rows, new Sigmoid { Input = logits.Values, Output = p.Values });
            device.Launch(Rows, new LossOfProbability { Probability = p.Values, Target = targets.Values, Loss = loss.Values });
            device.Launch(1, new MeanOfAll { Input = loss.Values, Output = mean.Values });
            device.Launch(Rows, new GradientOfProbability { Probability = p.Values, Target = targets.Values, Gradient = upstream.Values });
            device.Launch(Rows, new GradientOfSigmoid { Probability = p.Values, Upstream = upstream.Values, Gradient = gradient.Values });
        }, runs: 200);
        logits.RequiresGradient = true;
        Rung("on logits, value and gradient in one kernel", () =>
        {
            using var tape = new Tape(device);
            tape.Backward(Engine.Operations.Loss.LossOperation.BinaryCrossEntropy(tape, logits, targets));
            logits.ClearGradient();
        }, runs: 200);
    }

    // As large as in the middle of the reference CNN, forward and back.
    private void Dropout()
    {
        const float Probability = 0.5f;
        var shape = new Shape(32, 36, 36, 64);
        Tensor input = Random(shape, 1), upstream = Random(shape, 2), mask = New(shape), output = New(shape), gradient = New(shape);
        var host = new float[shape.Length];
        var generator = new Random(1);
        uint step = 0;
        void Apply(Tensor source, Tensor target) =>
            device.Launch(shape.Length, new Multiply { Left = mask.Values, Right = source.Values, Output = target.Values });
        Rung("a generator on the host, its mask uploaded and stored", () =>
        {
            for (var i = 0; i < host.Length; i++) host[i] = generator.NextSingle() < Probability ? 0f : 1f / (1f - Probability);
            mask.CopyFrom(host);
            Apply(input, output);
            Apply(upstream, gradient);
        });
        Rung("the mask drawn on the device from the index, and stored", () =>
        {
            device.Launch(shape.Length, new DrawMask { Mask = mask.Values, Probability = Probability, Key = step++ });
            Apply(input, output);
            Apply(upstream, gradient);
        });
        var leaf = Random(shape, 1);
        leaf.RequiresGradient = true;
        Rung("drawn where it is used, twice; nothing stored", () =>
        {
            using var tape = new Tape(device);
            tape.Backward(DropoutOperation.Apply(tape, leaf, Probability, step++), upstream);
            leaf.ClearGradient();
        });
    }

    // A batch of 100 images of 150 × 150 × 3, from bytes to floats.
    private void Augmentation()
    {
        var shape = new Shape(100, 150, 150, 3);
        var bytes = new byte[shape.Length];
        new Random(1).NextBytes(bytes);
        var geometry = AugmentationGeometry.Create(shape);
        AffineMap[] maps = [.. Enumerable.Range(0, shape[0]).Select(i => new AugmentationRanges().Draw(1, 1, i, shape[1], shape[2]))];
        ToneChange[] tones = [.. Enumerable.Range(0, shape[0]).Select(i => new ToneChange(0.3f, 1.1f, 0.9f, 0.02f, i))];
        using var staged = new StagedPixels(device, bytes.Length);
        staged.Upload(bytes);
        Tensor map = Rows(maps.Length, AffineMap.Length, (i, row) => maps[i].CopyTo(row)),
            tone = Rows(tones.Length, ToneChange.Length, (i, row) => tones[i].CopyTo(row));
        Tensor moved = New(shape), target = New(shape);
        Rung("the definition, on one core of the host, and its floats uploaded", () =>
            target.CopyFrom(Array.ConvertAll(AugmentationReference.Apply(geometry, bytes, maps, PixelScaling.Rescale), value =>
            (float)value)), runs: 1);
        Rung("bytes to floats on the device, not changed", () => PixelConversionOperation.Apply(staged, target, PixelScaling.Rescale));
        Rung("bytes to floats and the affine map in one kernel", () =>
            AugmentationOperation.Apply(staged, map, target, geometry, PixelScaling.Rescale));
        Rung("the same, and tones in a second kernel", () =>
        {
            AugmentationOperation.Apply(staged, map, moved, geometry, PixelScaling.None);
            ToneOperation.Apply(moved, tone, target, PixelScaling.Rescale);
        });
        Measure();
    }

    // The first normalization of the compact network at a batch of 50, with ReLU.
    private void Normalization()
    {
        var shape = new Shape(50, 150, 150, 16);
        const int Channels = 16;
        Tensor input = Random(shape, 1), upstream = Random(shape, 2), between = New(shape), output = New(shape);
        Tensor scale = Made(new Shape(Channels), _ => 1), shift = New(Channels), mean = New(Channels), variance = New(Channels);
        var channels = new NormalizedChannels(scale, shift, New(Channels), Made(new Shape(Channels), _ => 1), 1e-3f);
        Rung("a kernel for mean, variance, output and ReLU each; forward", () =>
        {
            device.Launch(Channels, new MeanOfChannel { Input = input.Values, Mean = mean.Values });
            device.Launch(Channels, new VarianceOfChannel { Input = input.Values, Mean = mean.Values, Variance = variance.Values });
            device.Launch(shape.Length, new Normalize
            {
                Input = input.Values,
                Mean = mean.Values,
                Variance = variance.Values,
                Scale = scale.Values,
                Shift = shift.Values,
                Output = between.Values,
            });
            device.Launch(shape.Length, new Relu { Input = between.Values, Output = output.Values });
        }, runs: 2);
        Rung("moments of shares in the cache, then output; ReLU by itself; forward", () =>
        {
            using var tape = new Tape(device, recording: false);
            Engine.Operations.Activation.ActivationOperation.Relu(tape, BatchNormalizationOperation.OfBatch(tape, input, channels, 0.99f));
        });
        Rung("ReLU in passing; forward", () =>
        {
            using var tape = new Tape(device, recording: false);
            BatchNormalizationOperation.OfBatch(tape, input, channels, 0.99f, relu: true);
        });
        var leaf = Random(shape, 1);
        leaf.RequiresGradient = true;
        Rung("the same, forward and back", () =>
        {
            using var tape = new Tape(device);
            tape.Backward(BatchNormalizationOperation.OfBatch(tape, leaf, channels, 0.99f, relu: true), upstream);
            leaf.ClearGradient();
        });
    }

    // RMSprop on as many weights as the reference CNN has.
    private void Optimizers()
    {
        const int Weights = 3_453_121;
        Tensor weights = Random(new Shape(Weights), 1), gradient = Random(new Shape(Weights), 2);
        Tensor average = New(Weights), decayed = New(Weights), direction = New(Weights);
        Rung("a kernel for every operation", () =>
        {
            device.Launch(Weights, new Decay { Average = average.Values, Output = decayed.Values });
            device.Launch(Weights, new AddSquare { Decayed = decayed.Values, Gradient = gradient.Values, Average = average.Values });
            device.Launch(Weights, new Direction { Average = average.Values, Gradient = gradient.Values, Output = direction.Values });
            device.Launch(Weights, new Descend { Direction = direction.Values, Weights = weights.Values });
        });
        Rung("the rule in one kernel", () =>
            device.Launch(Weights, new RmsPropStep { Weights = weights.Values, Gradient = gradient.Values, Average = average.Values }));
    }

    private void Rung(string name, Action run, int runs = 5) => rungs.Add((name, () => device.Milliseconds(run, runs)));

    // In turn, so that what else happens on the machine meets all rungs alike.
    private void Measure()
    {
        if (best.Count > 0) return;
        best.AddRange(Enumerable.Repeat(double.PositiveInfinity, rungs.Count));
        for (var round = 0; round < Rounds; round++)
            for (var i = 0; i < rungs.Count; i++) best[i] = Math.Min(best[i], rungs[i].Milliseconds());
    }

    private void Write(TextWriter output)
    {
        Measure();
        output.WriteLine(device.Description);
        output.WriteLine("| rung | ms |");
        output.WriteLine("| --- | --- |");
        for (var i = 0; i < rungs.Count; i++)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {rungs[i].Rung} | {Figure(best[i])} |"));
    }

    private static string Figure(double milliseconds) =>
        milliseconds.ToString(milliseconds switch { >= 20 => "0", >= 2 => "0.0", >= 0.2 => "0.00", _ => "0.000" },
        CultureInfo.InvariantCulture);

    private Tensor New(int length) => New(new Shape(length));

    private Tensor New(Shape shape) => Kept(Tensor.Zeros(device, shape));

    private Tensor Made(Shape shape, Func<int, float> value) =>
        Kept(Tensor.FromValues(device, shape, [.. Enumerable.Range(0, shape.Length).Select(value)]));

    private Tensor Random(Shape shape, uint key) => Made(shape, i => CounterRandom.Uniform(key, (uint)i) - 0.5f);

    private Tensor Rows(int count, int length, Action<int, Span<float>> write)
    {
        var numbers = new float[count * length];
        for (var i = 0; i < count; i++) write(i, numbers.AsSpan(i * length, length));
        return Kept(Tensor.FromValues(device, new Shape(count, length), numbers));
    }

    private Tensor Kept(Tensor tensor)
    {
        tensors.Add(tensor);
        return tensor;
    }
}
