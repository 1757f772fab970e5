using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Benchmarks;

/// <summary>One piece of work that can be repeated and timed; random inputs and weights.</summary>
internal abstract class Workload(Device device) : IDisposable
{
    private readonly List<Tensor> tensors = [];

    protected Device Device { get; } = device;

    /// <summary>Does the work once; the caller synchronises.</summary>
    public abstract void Run();

    /// <summary>Makes the workload that a request describes.</summary>
    public static Workload Create(Device device, JsonNode request)
    {
        int Size(string key) => (int)(request[key] ?? throw new ArgumentException($"the case lacks \"{key}\""));
        ConvolutionGeometry Convolution() => ConvolutionGeometry.Create(
            new Shape(Size("batch"), Size("height"), (int?)request["width"] ?? Size("height"), Size("inChannels")),
            new Shape(Size("kernel"), Size("kernel"), Size("inChannels"), Size("outChannels")), Padding.Of(Size("pad")));
        ConvolutionAlgorithm Algorithm() => Enum.Parse<ConvolutionAlgorithm>((string?)request["algorithm"] ?? "auto", ignoreCase: true);
        return (string)request["kind"]! switch
        {
            "gemm" => new MatrixProduct(device, Size("m"), Size("n"), Size("k")),
            "conv-forward" => new ConvolutionForward(device, Convolution(), Algorithm()),
            "conv-backward" => new ConvolutionBackward(device, Convolution(), Algorithm(), input: true, kernelAndBias: true),
            "conv-grad-input" => new ConvolutionBackward(device, Convolution(), Algorithm(), input: true, kernelAndBias: false),
            "conv-grad-kernel" => new ConvolutionBackward(device, Convolution(), Algorithm(), input: false, kernelAndBias: true),
            "infer" => new Inference(device, (string)request["model"]!, Size("batch"), Size("pixels")),
            "train-step" => new TrainingStep(device, (string)request["model"]!, Size("batch"), Size("pixels")),
            var kind => throw new ArgumentException($"unknown kind {kind}"),
        };
    }

    public virtual void Dispose()
    {
        foreach (var tensor in tensors) tensor.Dispose();
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

    /// <summary>The network of a case's name.</summary>
    protected Sequential Network(string model, int pixels)
    {
        var network = model switch
        {
            "mlp" => ReferenceNetworks.Mlp(pixels),
            "cnn" => ReferenceNetworks.Cnn(pixels),
            "vgg19-frozen" or "vgg19-block5" or "vgg19-full" => ReferenceNetworks.Vgg19(pixels, head: 132),
            _ => throw new ArgumentException($"unknown model {model}"),
        };
        network.Initialize(Device, 1);
        foreach (var layer in network.Layers.Where(l => l.Kind == "conv2d"))
            layer.Trainable = model switch { "vgg19-frozen" => false, "vgg19-block5" => layer.Name == "block5_conv4", _ => true };
        return network;
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
                Engine.Operations.Bias.BiasGradientOperation.Apply(tape, upstream, null, bias);
                bias.ClearGradient();
                ConvolutionOperation.GradKernel(geometry, upstream, input, kernelGradient, false, algorithm);
            }
            if (ofInput) ConvolutionOperation.GradInput(geometry, upstream, kernel, inputGradient, false, algorithm);
        }
    }

    private sealed class Inference : Workload
    {
        private readonly Sequential network;
        private readonly Tensor batch;

        public Inference(Device device, string model, int batch, int pixels) : base(device)
        {
            network = Network(model, pixels);
            this.batch = Random(new Shape(batch, pixels, pixels, 3), 0, 1);
        }

        public override void Run()
        {
            using var work = Device.Pool.BeginWork("prediction", batch.Shape[0]);
            using var output = network.Predict(batch);
        }

        public override void Dispose()
        {
            network.Dispose();
            base.Dispose();
        }
    }

    private sealed class TrainingStep : Workload
    {
        private readonly Sequential network;
        private readonly RmsProp optimizer = new() { LearningRate = 1e-4f };
        private readonly Tensor batch, targets;
        private readonly float[] loss = new float[1];
        private long step;

        public TrainingStep(Device device, string model, int batch, int pixels) : base(device)
        {
            network = Network(model, pixels);
            this.batch = Random(new Shape(batch, pixels, pixels, 3), 0, 1);
            targets = Random(new Shape(batch));
            targets.CopyFrom(targets.ToArray().Select(t => t > 0 ? 1f : 0f).ToArray());
        }

        public override void Run()
        {
            using var work = Device.Pool.BeginWork("training step", batch.Shape[0]);
            using var tape = new Tape(Device);
            var logits = network.Forward(tape, batch, new Pass(true, 1, step++));
            var mean = tape.Keep(LossOperation.BinaryCrossEntropy(tape, logits, targets));
            tape.Backward(mean);
            optimizer.Step(network.Parameters);
            mean.CopyTo(loss);
        }

        public override void Dispose()
        {
            network.Dispose();
            optimizer.Dispose();
            base.Dispose();
        }
    }
}
