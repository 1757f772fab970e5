using System.Globalization;
using System.Text.RegularExpressions;
using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Oracles;

/// <summary>One layer at a time against libtorch: awkward geometries, and the gradients under a random upstream gradient.</summary>
public abstract partial class GeometryOracleTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void OracleConvolutionsAgree()
    {
        var file = OracleFile.Read("geometry");
        var keys = file.Keys.Where(k => k.StartsWith("conv/", StringComparison.Ordinal)).Select(k => k[..k.LastIndexOf('/')]).Distinct()
            .ToArray();
        Assert.NotEmpty(keys);
        foreach (var key in keys)
        {
            var size = Sizes(key);
            using var network = new Sequential(new Shape(size["h"], size["w"], size["c"]),
                new Conv2D(size["k"], size["f"]) { Stride = size["s"], Padding = Padding.Of(size["p"]) }).Initialize(Device, 1);
            var parameters = network.Parameters.ToArray();
            parameters[0].Value.CopyFrom(TorchLayout.Kernel(file[$"{key}/weight"]).Values);
            parameters[1].Value.CopyFrom(file[$"{key}/bias"].Values);
            var (output, gradient) = Run(network, file, key);
            Compare($"{key} output", TorchLayout.Images(file[$"{key}/output"]).Values, output, 1e-4);
            Compare($"{key} grad_input", TorchLayout.Images(file[$"{key}/grad_input"]).Values, gradient, 1e-3);
            Compare($"{key} grad_weight", TorchLayout.Kernel(file[$"{key}/grad_weight"]).Values, parameters[0].Value.Gradient!.ToArray(),
                1e-3);
            Compare($"{key} grad_bias", file[$"{key}/grad_bias"].Values, parameters[1].Value.Gradient!.ToArray(), 1e-3);
        }
    }

    [SkippableFact]
    public void OracleMaxPoolingsAgree()
    {
        var file = OracleFile.Read("geometry");
        var keys = file.Keys.Where(k => k.StartsWith("maxpool/", StringComparison.Ordinal)).Select(k => k[..k.LastIndexOf('/')]).Distinct()
            .ToArray();
        Assert.NotEmpty(keys);
        foreach (var key in keys)
        {
            var size = Sizes(key);
            using var network = new Sequential(new Shape(size["h"], size["w"], size["c"]),
                new MaxPooling2D(size["f"]) { Stride = size["s"] })
                .Initialize(Device, 1);
            var (output, gradient) = Run(network, file, key);
            Compare($"{key} output", TorchLayout.Images(file[$"{key}/output"]).Values, output, 1e-4);
            Compare($"{key} grad_input", TorchLayout.Images(file[$"{key}/grad_input"]).Values, gradient, 1e-3);
        }
    }

    [SkippableFact]
    public void OracleSoftmaxCrossEntropyAgrees()
    {
        var file = OracleFile.Read("softmax");
        using var logits = Leaf(new Shape(file["logits"].Shape), file["logits"].Values);
        using var targets = Upload(new Shape(file["target"].Shape), file["target"].Values);
        using var tape = new Tape(Device);
        var loss = LossOperation.SoftmaxCrossEntropy(tape, logits, targets);
        Compare("loss", file["loss"].Values, loss.ToArray(), 1e-4);
        tape.Backward(loss);
        Compare("grad_logits", file["grad_logits"].Values, logits.Gradient!.ToArray(), 1e-3);
    }

    private (float[] Output, float[] InputGradient) Run(Sequential network, IReadOnlyDictionary<string, StoredTensor> file, string key)
    {
        var size = Sizes(key);
        var (shape, values) = TorchLayout.Images(file[$"{key}/input"]);
        Assert.Equal(new Shape(size["n"], size["h"], size["w"], size["c"]), shape);
        using var input = Leaf(shape, values);
        var (upstreamShape, upstreamValues) = TorchLayout.Images(file[$"{key}/upstream"]);
        using var upstream = Upload(upstreamShape, upstreamValues);
        using var tape = new Tape(Device);
        var output = network.Forward(tape, input, new Pass(Training: true));
        var result = output.ToArray();
        tape.Backward(output, upstream);
        return (result, input.Gradient!.ToArray());
    }

    private static void Compare(string what, float[] expected, float[] actual, double fraction) =>
        Tolerance.OfLargest(fraction, RandomCases.InDouble(expected)).Check(what, expected, actual);

    /// <summary>The sizes in a key such as <c>conv/n2c3h7w5k4f3s1p0</c>.</summary>
    private static Dictionary<string, int> Sizes(string key) =>
        LetterAndNumber().Matches(key[(key.IndexOf('/') + 1)..])
            .ToDictionary(m => m.Groups[1].Value, m => int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));

    [GeneratedRegex("([a-z])([0-9]+)")]
    private static partial Regex LetterAndNumber();
}

[Collection(OnOpenCl.Name)]
public sealed class GeometryOracleOnOpenCl(OpenClDevice device) : GeometryOracleTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class GeometryOracleOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : GeometryOracleTests(device);

[Collection(OnIlgpu.Name)]
public sealed class GeometryOracleOnIlgpu(IlgpuDevice device) : GeometryOracleTests(device);
