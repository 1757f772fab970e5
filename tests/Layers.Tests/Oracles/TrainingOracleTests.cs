using System.Globalization;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Parameters;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Oracles;

/// <summary>Whole networks against libtorch: five optimizer steps on one batch, from the same initial parameters.</summary>
public abstract class TrainingOracleTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableTheory]
    [InlineData("mlp-rgb20-sgd", "sgd", 0f, 0f)]
    [InlineData("cnn-rgb62-rmsprop", "rmsprop", 0f, 0f)]
    [InlineData("cnn-rgb62-rmsprop-l1", "rmsprop", 1e-3f, 0f)]
    [InlineData("cnn-rgb62-rmsprop-l2", "rmsprop", 0f, 1e-2f)]
    [InlineData("cnn-rgb62-adam", "adam", 0f, 0f)]
    public void OracleStepsAgree(string name, string optimizerKind, float l1, float l2)
    {
        var file = OracleFile.Read(name);
        var (shape, values) = TorchLayout.Images(file["input"]);
        var numbers = LayerNumbers(file);
        using var network = Build(file, numbers, shape, l1, l2).Initialize(Device, 1);
        foreach (var (parameter, initial) in Expected(network, file, numbers, "initial")) parameter.Value.CopyFrom(initial);
        using var batch = Upload(shape, values);
        using var target = Upload(new Shape(shape[0]), file["target"].Values);
        using var optimizer = Optimizer(optimizerKind);

        var losses = new List<float>();
        for (var step = 0; step < file["losses"].Values.Length; step++)
        {
            using var tape = new Tape(Device);
            var logits = network.Forward(tape, batch, new Pass(Training: true));
            if (step == 0) Compare("logits", file["logits"].Values, logits.ToArray(), 1e-4);
            var loss = network.AddPenalties(tape, LossOperation.BinaryCrossEntropy(tape, logits, target));
            losses.Add(loss.ToArray()[0]);
            tape.Backward(loss);
            if (step == 0)
                foreach (var (parameter, gradient) in Expected(network, file, numbers, "gradient"))
                    Compare($"{parameter.Name}, first gradient", gradient, WithPenalty(parameter), 1e-3);
            optimizer.Step(network.Parameters);
        }
        new Tolerance(0, 1e-3).Check("losses", file["losses"].Values, [.. losses]);
        CompareFinal(network, file, numbers);
    }

    /// <summary>
    /// Final parameters. RMSprop and Adam divide a gradient by its own size. If the first gradient is only rounding error, its sign
    /// determines a whole step, so a few elements may differ.
    /// </summary>
    private static void CompareFinal(Sequential network, IReadOnlyDictionary<string, StoredTensor> file, int[] numbers)
    {
        var excused = 0;
        var gradients = Expected(network, file, numbers, "gradient").ToDictionary(e => e.Parameter, e => e.Values);
        foreach (var (parameter, expected) in Expected(network, file, numbers, "final"))
        {
            var actual = parameter.Value.ToArray();
            var tolerance = Tolerance.OfLargest(1e-3, RandomCases.InDouble(expected));
            var gradient = gradients[parameter];
            var negligible = 1e-5f * gradient.Max(MathF.Abs);
            for (var i = 0; i < actual.Length; i++)
            {
                if (MathF.Abs(gradient[i]) >= negligible || Math.Abs(actual[i] - expected[i]) <= tolerance.Absolute) continue;
                Assert.True(float.IsFinite(actual[i]), $"{parameter.Name}: element {i} became {actual[i]}");
                excused++;
                actual[i] = expected[i];
            }
            tolerance.Check($"{parameter.Name}, final", expected, actual);
        }
        Assert.True(excused <= network.ParameterCount / 1000,
            $"{excused} of {network.ParameterCount} final parameters differ, with a first gradient near zero");
    }

    /// <summary>
    /// A network with the sizes in the file: each kernel is a convolution with ReLU and pooling, each matrix a dense layer.
    /// </summary>
    private static Sequential Build(IReadOnlyDictionary<string, StoredTensor> file, int[] numbers, Shape batch, float l1, float l2)
    {
        var layers = new List<Layer>();
        foreach (var number in numbers)
        {
            var weight = file[$"initial/{number}.weight"].Shape;
            if (weight.Length == 4)
            {
                layers.Add(new Conv2D(weight[0], weight[2]) { Activation = ActivationFunction.Relu, L1 = l1, L2 = l2 });
                layers.Add(new MaxPooling2D());
                continue;
            }
            if (!layers.OfType<Flatten>().Any()) layers.Add(new Flatten());
            layers.Add(new Dense(weight[0]) { Activation = number == numbers[^1] ? ActivationFunction.Linear : ActivationFunction.Relu });
        }
        return new Sequential(new Shape(batch[1], batch[2], batch[3]), layers);
    }

    private static int[] LayerNumbers(IReadOnlyDictionary<string, StoredTensor> file) =>
    [
        .. file.Keys.Where(k => k.StartsWith("initial/", StringComparison.Ordinal) && k.EndsWith(".weight", StringComparison.Ordinal))
            .Select(k => int.Parse(k["initial/".Length..^".weight".Length], CultureInfo.InvariantCulture)).Order(),
    ];

    /// <summary>The file's values for each parameter of the network, in this project's layout.</summary>
    private static IEnumerable<(Parameter Parameter, float[] Values)> Expected(
        Sequential network, IReadOnlyDictionary<string, StoredTensor> file, int[] numbers, string group)
    {
        var layers = network.Layers.Where(l => l.Parameters.Count > 0).ToArray();
        Assert.Equal(numbers.Length, layers.Length);
        var flatten = network.Layers.OfType<Flatten>().Single();
        var afterFlatten = network.Layers.SkipWhile(l => l != flatten).Skip(1).First();
        for (var i = 0; i < layers.Length; i++)
        {
            var weight = file[$"{group}/{numbers[i]}.weight"];
            var (shape, values) = layers[i] is Conv2D ? TorchLayout.Kernel(weight)
                : layers[i] == afterFlatten ? TorchLayout.DenseAfterFlatten(weight, flatten.InputShape)
                : TorchLayout.Dense(weight);
            Assert.Equal(layers[i].Parameters[0].Shape, shape);
            yield return (layers[i].Parameters[0], values);
            yield return (layers[i].Parameters[1], file[$"{group}/{numbers[i]}.bias"].Values);
        }
    }

    /// <summary>The file's gradients include penalties; here the optimizer adds those.</summary>
    private static float[] WithPenalty(Parameter parameter) =>
    [
        .. parameter.Value.Gradient!.ToArray().Zip(parameter.Value.ToArray(), (g, w) =>
        g + parameter.L1 * Math.Sign(w) + 2 * parameter.L2 * w),
    ];

    private static Optimizer Optimizer(string kind) => kind switch
    {
        "sgd" => new Sgd { LearningRate = 0.01f },
        "rmsprop" => new RmsProp { LearningRate = 1e-3f, Rho = 0.9f, Epsilon = 1e-7f },
        "adam" => new Adam { LearningRate = 1e-3f, Beta1 = 0.9f, Beta2 = 0.999f, Epsilon = 1e-7f },
        _ => throw new ArgumentException($"no optimizer is called {kind}"),
    };

    private static void Compare(string what, float[] expected, float[] actual, double fraction) =>
        Tolerance.OfLargest(fraction, RandomCases.InDouble(expected)).Check(what, expected, actual);
}

[Collection(OnOpenCl.Name)]
public sealed class TrainingOracleOnOpenCl(OpenClDevice device) : TrainingOracleTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class TrainingOracleOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : TrainingOracleTests(device);

[Collection(OnIlgpu.Name)]
public sealed class TrainingOracleOnIlgpu(IlgpuDevice device) : TrainingOracleTests(device);
