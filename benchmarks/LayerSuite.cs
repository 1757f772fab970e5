using BenchmarkDotNet.Attributes;
using Convolve.Engine;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Benchmarks;

/// <summary>Every kind of layer alone, on a batch of 32 as large as in the middle of the reference CNN.</summary>
public class LayerSuite
{
    private const int Batch = 32;

    private DeviceCatalogue? catalogue;
    private Device? device;
    private Sequential? network;
    private Tensor? input, upstream;
    private long step;

    [Params("conv2d", "dense", "max_pool2d", "global_average_pool", "flatten", "dropout", "relu", "sigmoid", "softmax")]
    public string Kind { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        catalogue = new DeviceCatalogue();
        device = catalogue.Open(catalogue.Choose().Device);
        var images = new Shape(36, 36, 64);
        (var layer, var shape) = Kind switch
        {
            "conv2d" => (new Conv2D(128, 3) { Activation = ActivationFunction.Relu }, images),
            "dense" => ((Layer)new Dense(512) { Activation = ActivationFunction.Relu }, new Shape(6272)),
            "max_pool2d" => (new MaxPooling2D(), images),
            "global_average_pool" => (new GlobalAveragePooling2D(), images),
            "flatten" => (new Flatten(), images),
            "dropout" => (new Dropout(0.5f), images),
            "softmax" => (new Activation(ActivationFunction.Softmax), new Shape(1000)),
            "sigmoid" => (new Activation(ActivationFunction.Sigmoid), images),
            _ => (new Activation(ActivationFunction.Relu), images),
        };
        network = new Sequential(shape, layer).Initialize(device, 1);
        input = Random(new Shape([Batch, .. shape.Sizes]), 1);
        input.RequiresGradient = true;
        upstream = Random(new Shape([Batch, .. network.OutputShape.Sizes]), 2);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        input?.Dispose();
        upstream?.Dispose();
        network?.Dispose();
        device?.Dispose();
        catalogue?.Dispose();
    }

    [Benchmark]
    public void Forward()
    {
        using var output = network!.Predict(input!, new Pass(true, 1, step++));
        device!.Synchronize();
    }

    [Benchmark]
    public void ForwardAndBackward()
    {
        using var tape = new Tape(device!);
        tape.Backward(network!.Forward(tape, input!, new Pass(true, 1, step++)), upstream);
        foreach (var parameter in network.Parameters) parameter.Value.ClearGradient();
        input!.ClearGradient();
        device!.Synchronize();
    }

    private Tensor Random(Shape shape, uint key)
    {
        var values = new float[shape.Length];
        for (var i = 0; i < values.Length; i++) values[i] = CounterRandom.Uniform(key, (uint)i) - 0.5f;
        return Tensor.FromValues(device!, shape, values);
    }
}
