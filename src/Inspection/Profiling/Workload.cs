using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Inspection.Profiling;

/// <summary>One piece of work that can be repeated, timed and counted; random inputs and weights.</summary>
public abstract class Workload : IDisposable
{
    private readonly List<Tensor> tensors = [];

    /// <summary>Work on a device.</summary>
    protected Workload(Device device) => Device = device;

    /// <summary>The device.</summary>
    protected Device Device { get; }

    /// <summary>Does the work once; the caller synchronises.</summary>
    public abstract void Run();

    /// <summary>Makes the work of a request: a matrix product or a convolution; null if it is of another kind.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="request">Its "kind" and sizes, as in benchmarks/gpu-cases.json.</param>
    /// <exception cref="ArgumentException">A size is missing.</exception>
    public static Workload? OfOperation(Device device, JsonNode request)
    {
        int Size(string key) => SizeOf(request, key);
        ConvolutionGeometry Convolution() => ConvolutionGeometry.Create(
            new Shape(Size("batch"), Size("height"), (int?)request["width"] ?? Size("height"), Size("inChannels")),
            new Shape(Size("kernel"), Size("kernel"), Size("inChannels"), Size("outChannels")), Padding.Of(Size("pad")));
        ConvolutionAlgorithm Algorithm() => Enum.Parse<ConvolutionAlgorithm>((string?)request["algorithm"] ?? "auto", ignoreCase: true);
        return (string?)request["kind"] switch
        {
            "gemm" => new MatrixProduct(device, Size("m"), Size("n"), Size("k")),
            "conv-forward" => new ConvolutionForward(device, Convolution(), Algorithm()),
            "conv-backward" => new ConvolutionBackward(device, Convolution(), Algorithm(), input: true, kernelAndBias: true),
            "conv-grad-input" => new ConvolutionBackward(device, Convolution(), Algorithm(), input: true, kernelAndBias: false),
            "conv-grad-kernel" => new ConvolutionBackward(device, Convolution(), Algorithm(), input: false, kernelAndBias: true),
            _ => null,
        };
    }

    /// <summary>A size of a request.</summary>
    /// <exception cref="ArgumentException">It is missing.</exception>
    public static int SizeOf(JsonNode request, string key) =>
        (int)(request[key] ?? throw new ArgumentException($"the case lacks \"{key}\""));

    /// <inheritdoc/>
    public virtual void Dispose()
    {
        foreach (var tensor in tensors) tensor.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>A tensor of uniform random numbers, freed with the workload.</summary>
    protected Tensor Random(Shape shape, float low = -0.5f, float high = 0.5f)
    {
        var key = CounterRandom.Key((uint)tensors.Count);
        var tensor = Tensor.Lasting(Device, shape);
        tensors.Add(tensor);
        if (!Device.Computes) return tensor;
        // In pieces: a copy of the whole on the host would count as memory of the work.
        var values = new float[Math.Min(shape.Length, 65_536)];
        for (var begin = 0; begin < shape.Length; begin += values.Length)
        {
            var piece = values.AsSpan(0, Math.Min(values.Length, shape.Length - begin));
            for (var i = 0; i < piece.Length; i++) piece[i] = low + (high - low) * CounterRandom.Uniform(key, (uint)(begin + i));
            using var part = tensor.Slice(begin, new Shape(piece.Length));
            part.CopyFrom(piece);
        }
        return tensor;
    }

    private sealed class MatrixProduct : Workload
    {
        private readonly Tensor left, right, output;
        private readonly MatrixMultiplyGeometry geometry;

        public MatrixProduct(Device device, int m, int n, int k) : base(device)
        {
            left = Random(new Shape(m, k));
            right = Random(new Shape(k, n));
            output = Random(new Shape(m, n));
            geometry = MatrixMultiplyGeometry.Create(left.Shape, right.Shape);
        }

        public override void Run() => MatrixMultiplyOperation.Launch(geometry, left, right, output);
    }

    private sealed class ConvolutionForward : Workload
    {
        private readonly ConvolutionGeometry geometry;
        private readonly ConvolutionAlgorithm algorithm;
        private readonly Tensor input, kernel, bias, output;

        public ConvolutionForward(Device device, ConvolutionGeometry geometry, ConvolutionAlgorithm algorithm) : base(device)
        {
            this.geometry = geometry;
            this.algorithm = algorithm;
            input = Random(geometry.Input);
            kernel = Random(geometry.Kernel);
            bias = Random(new Shape(geometry.OutputChannels));
            output = Random(geometry.Output);
        }

        public override void Run() => ConvolutionOperation.Forward(geometry, input, kernel, bias, output, false, algorithm);
    }

    private sealed class ConvolutionBackward : Workload
    {
        private readonly ConvolutionAlgorithm algorithm;
        private readonly ConvolutionGeometry geometry;
        private readonly Tensor input, kernel, bias, upstream, inputGradient, kernelGradient;

        private readonly bool ofInput, ofKernelAndBias;

        public ConvolutionBackward(Device device, ConvolutionGeometry geometry, ConvolutionAlgorithm algorithm, bool input,
            bool kernelAndBias) : base(device)
        {
            (ofInput, ofKernelAndBias) = (input, kernelAndBias);
            this.geometry = geometry;
            this.algorithm = algorithm;
            this.input = Random(geometry.Input);
            kernel = Random(geometry.Kernel);
            bias = Random(new Shape(geometry.OutputChannels));
            bias.RequiresGradient = true;
            upstream = Random(geometry.Output);
            inputGradient = Random(geometry.Input);
            kernelGradient = Random(geometry.Kernel);
        }

        public override void Run()
        {
            if (ofKernelAndBias)
            {
                using var tape = new Tape(Device);
                BiasGradientOperation.Apply(tape, upstream, null, bias);
                bias.ClearGradient();
                ConvolutionOperation.GradKernel(geometry, upstream, input, kernelGradient, false, algorithm);
            }
            if (ofInput) ConvolutionOperation.GradInput(geometry, upstream, kernel, inputGradient, false, algorithm);
        }
    }
}
