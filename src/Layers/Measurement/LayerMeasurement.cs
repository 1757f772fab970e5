using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tracing;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Measurement;

/// <summary>One direction of a layer on a batch.</summary>
/// <param name="Flops">Multiplications and additions, as the formula counts them.</param>
/// <param name="Bytes">The least traffic: every operand read or written once.</param>
/// <param name="Milliseconds">The time of the kernels in the fastest run; 0 where there are none.</param>
/// <param name="ShareOfRoof">The least time that the device's roofline allows, divided by the measured time. Above 1 if an algorithm
/// multiplies less than the formula (Winograd) or the operands are in a cache.</param>
public sealed record MeasuredPass(double Flops, double Bytes, double Milliseconds, double ShareOfRoof)
{
    /// <summary>Operations a second, in units of 10⁹.</summary>
    public double Gigaflops => Milliseconds > 0 ? Flops / Milliseconds * 1e-6 : 0;

    /// <summary>Operations per byte.</summary>
    public double Intensity => Bytes > 0 ? Flops / Bytes : 0;
}

/// <summary>Measurements of a layer.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="OutputShape">The output's shape for one image.</param>
/// <param name="Forward">The forward pass.</param>
/// <param name="Backward">The gradients that training needs: for the parameters if they are trained, for the input if a layer before
/// is.</param>
/// <param name="Algorithms">For a convolution the algorithm of each pass that training needs; else empty.</param>
public sealed record MeasuredLayer(
    string Name, string Kind, Shape OutputShape, MeasuredPass Forward, MeasuredPass Backward,
    IReadOnlyDictionary<ConvolutionPass, ConvolutionAlgorithm> Algorithms);

/// <summary>
/// Times a network layer by layer. Each layer runs separately, on random values, in a training pass; its time is the sum over its kernels,
/// as a trace records them, so the host's share of a launch does not count. What a network fuses across layers
/// (ReLU into pooling, in prediction batch normalization into convolution) counts for the layer that it belongs to.
/// </summary>
public static class LayerMeasurement
{
    // Only the sum of their times is read.
    private const int RecentEvents = 1;

    /// <summary>Measures all layers in order; weights, running statistics and gradients are not changed.</summary>
    /// <param name="network">A network on a device that computes.</param>
    /// <param name="batch">Images to a batch.</param>
    /// <param name="roofline">What the device can do.</param>
    /// <param name="runs">Runs of each layer, of which the fastest counts, after a warm-up.</param>
    /// <param name="cancellation">Ends the measurement between two layers.</param>
    public static IReadOnlyList<MeasuredLayer> Of(
        Sequential network, int batch, Roofline roofline, int runs = 5, CancellationToken cancellation = default)
    {
        var device = network.Device ?? throw new InvalidOperationException("measurement: initialize the network first");
        var statistics = network.Parameters.Where(parameter => parameter.IsStatistic).Select(parameter =>
            (parameter, parameter.Value.ToArray())).ToArray();
        var trace = device.Trace ?? new ExecutionTrace(RecentEvents);
        using var recording = device.Trace is null ? device.StartTrace(trace) : null;
        var rows = new List<MeasuredLayer>();
        var somethingIsTrainedBefore = false;
        for (var i = 0; i < network.Layers.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var layer = network.Layers[i];
            var (forward, backward) = Time(network.Part(i, i + 1), trace, batch, somethingIsTrainedBefore, runs);
            rows.Add(new MeasuredLayer(layer.Name, layer.Kind, layer.OutputShape,
                Pass(Work.Forward(layer, batch), forward, roofline),
                Pass(Work.Backward(layer, batch, somethingIsTrainedBefore), backward, roofline),
                Algorithms(layer, batch, device, somethingIsTrainedBefore)));
            somethingIsTrainedBefore |= layer.Trainable;
        }
        foreach (var (parameter, values) in statistics) parameter.Value.CopyFrom(values);
        return rows;
    }

    private static (double Forward, double Backward) Time(
        Sequential layer, ExecutionTrace trace, int batch, bool needsInputGradient, int runs)
    {
        var device = layer.Device!;
        using var input = Random(device, new Shape([batch, .. layer.InputShape.Sizes]), 1);
        using var upstream = Random(device, new Shape([batch, .. layer.OutputShape.Sizes]), 2);
        input.RequiresGradient = needsInputGradient;
        double forward = double.PositiveInfinity, backward = double.PositiveInfinity;
        for (var run = 0; run <= runs; run++)
        {
            using var tape = new Tape(device);
            device.Synchronize();
            var before = trace.LaunchTime;
            var output = layer.Forward(tape, input, new Pass(true, 1, run));
            device.Synchronize();
            var between = trace.LaunchTime;
            var there = (between - before).TotalMilliseconds;
            var back = 0.0;
            // A layer that returns its input, or needs no gradient, has no backward pass.
            if (output.RequiresGradient && !ReferenceEquals(output, input))
            {
                tape.Backward(output, upstream);
                device.Synchronize();
                back = (trace.LaunchTime - between).TotalMilliseconds;
            }
            input.ClearGradient();
            foreach (var parameter in layer.Parameters) parameter.Value.ClearGradient();
            if (run > 0) (forward, backward) = (Math.Min(forward, there), Math.Min(backward, back));
        }
        return (forward, backward);
    }

    private static MeasuredPass Pass((double Flops, double Bytes) work, double milliseconds, Roofline roofline) =>
        new(work.Flops, work.Bytes, milliseconds, milliseconds > 0 ? roofline.Seconds(work.Flops, work.Bytes) * 1e3 / milliseconds : 0);

    private static Dictionary<ConvolutionPass, ConvolutionAlgorithm> Algorithms(Layer layer, int batch, Device device,
        bool needsInputGradient)
    {
        if (layer is not Conv2D convolution) return [];
        var passes = new List<ConvolutionPass> { ConvolutionPass.Forward };
        if (needsInputGradient) passes.Add(ConvolutionPass.GradInput);
        if (layer.Trainable) passes.Add(ConvolutionPass.GradKernel);
        return passes.ToDictionary(pass => pass, pass => convolution.ChosenAlgorithm(pass, batch, device));
    }

    private static Tensor Random(Device device, Shape shape, uint seed)
    {
        var values = new float[shape.Length];
        for (var i = 0; i < values.Length; i++) values[i] = CounterRandom.Uniform(seed, (uint)i) - 0.5f;
        return Tensor.FromValues(device, shape, values);
    }

    /// <summary>FLOP and bytes by the formula.</summary>
    private static class Work
    {
        public static (double Flops, double Bytes) Forward(Layer layer, int batch) => layer.SharesMemory
            ? (0, 0)
            : (layer.Flops * batch, Size((double)batch * (layer.InputShape.Length + layer.OutputShape.Length) + Weights(layer)));

        /// <summary>
        /// Each gradient takes as many operations as the forward pass: the upstream gradient times the weights, or times the input.
        /// </summary>
        public static (double Flops, double Bytes) Backward(Layer layer, int batch, bool needsInputGradient)
        {
            if (layer.SharesMemory || !(needsInputGradient || layer.Trainable)) return (0, 0);
            double input = (double)batch * layer.InputShape.Length, output = (double)batch * layer.OutputShape.Length;
            // Upstream is read; for dx weights are read (of a layer without any: its input) and dx is written; for dw x is read and dw
            // written.
            var values = output
                + (needsInputGradient ? input + (layer.Parameters.Count > 0 ? Weights(layer) : input) : 0)
                + (layer.Trainable ? input + Weights(layer) : 0);
            return (layer.Flops * batch * ((needsInputGradient ? 1 : 0) + (layer.Trainable ? 1 : 0)), Size(values));
        }

        private static double Weights(Layer layer) => layer.Parameters.Sum(parameter => (double)parameter.Shape.Length);

        private static double Size(double values) => values * sizeof(float);
    }
}
