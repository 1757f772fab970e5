using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Tensors;
using Convolve.Inspection.Profiling;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Pneumonia.Kernels;

/// <summary>A network's training step or prediction as a workload.</summary>
internal abstract class NetworkWorkload(Device device) : Workload(device)
{
    /// <summary>Makes the workload that a request describes.</summary>
    /// <exception cref="ArgumentException">It has an unknown kind or model, or lacks a size.</exception>
    public static Workload Create(Device device, JsonNode request) => OfOperation(device, request) ?? (string?)request["kind"] switch
    {
        "infer" => new Inference(device, (string)request["model"]!, SizeOf(request, "batch"), SizeOf(request, "pixels")),
        "train-step" => new TrainingStep(device, (string)request["model"]!, SizeOf(request, "batch"), SizeOf(request, "pixels")),
        var kind => throw new ArgumentException($"unknown kind {kind}"),
    };

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

    private sealed class Inference : NetworkWorkload
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

    private sealed class TrainingStep : NetworkWorkload
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
