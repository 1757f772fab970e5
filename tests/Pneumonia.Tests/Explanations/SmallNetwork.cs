using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;

namespace Convolve.Pneumonia.Tests.Explanations;

/// <summary>
/// A network with every kind of layer, small enough for plain loops in double precision, on the fastest device; and the same
/// network as such loops, from the operations' definitions.
/// </summary>
public sealed class SmallNetwork : IDisposable
{
    /// <summary>Rows of its images.</summary>
    public const int Height = 21;

    private readonly DeviceCatalogue catalogue = new();
    private readonly Device device;

    /// <summary>Builds a network with random weights that give nonzero activations in every layer.</summary>
    /// <param name="outputs">Logits.</param>
    /// <param name="global">Whether it ends in global average pooling instead of flattening.</param>
    /// <param name="width">Columns of its images.</param>
    public SmallNetwork(int outputs, bool global, int width = 18)
    {
        device = catalogue.Open(catalogue.Choose("auto").Device);
        Layer[] head = global
            ? [new GlobalAveragePooling2D(), new Dense(outputs) { Name = "logits" }]
            : [new Flatten(), new Dense(7) { Activation = ActivationFunction.Relu }, new Dense(outputs) { Name = "logits" }];
        Network = new Sequential(new Shape(Height, width, 1),
        [
            new Conv2D(5, 3) { Name = "first", Activation = ActivationFunction.Relu }, new MaxPooling2D { Name = "halved" },
            new Conv2D(6, 3) { Name = "second", Padding = Padding.Same, Bias = false },
            new BatchNormalization { Name = "evened", Activation = ActivationFunction.Relu }, new MaxPooling2D { Name = "quartered" },
            new Dropout(0.1f), .. head,
        ]).Initialize(device, 3);
        var random = new Random(5);
        foreach (var parameter in Network.Parameters)
            if (parameter.Shape.Rank == 1)
                parameter.Value.CopyFrom([.. Enumerable.Range(0, parameter.Shape.Length).Select(_ => 0.1f + 0.5f * random.NextSingle())]);
    }

    public Sequential Network { get; }

    /// <summary>A random image, [H,W,C] bytes.</summary>
    public byte[] Image(int seed)
    {
        var bytes = new byte[Network.InputShape.Length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>The output of layers for one image, in double precision.</summary>
    /// <param name="values">The input of the first layer.</param>
    /// <param name="first">The first layer.</param>
    /// <param name="end">The layer after the last; all if omitted.</param>
    public double[] InDouble(double[] values, int first = 0, int? end = null)
    {
        foreach (var layer in Network.Layers.Take(end ?? Network.Layers.Count).Skip(first))
        {
            double[][] weights = [.. layer.Parameters.Select(p => Array.ConvertAll(p.Value.ToArray(), value => (double)value))];
            var shape = layer.InputShape;
            values = layer switch
            {
                Conv2D c => Relu(ConvolutionReference.Forward(c.Geometry, values, weights[0], weights.Length > 1 ? weights[1] : null),
                    c.Activation),
                MaxPooling2D p => PoolingReference.Max(p.Geometry, values),
                GlobalAveragePooling2D =>
                    PoolingReference.Average(PoolingGeometry.Create(new Shape([1, .. shape.Sizes]), shape[0], shape[1], 1), values),
                BatchNormalization b =>
                    BatchNormalizationReference.Forward(BatchNormalizationGeometry.Create(shape, b.Parameters[0].Shape), values,
                    weights[0], weights[1], weights[2], weights[3], b.Epsilon, b.Activation == ActivationFunction.Relu),
                Dense d => Relu(
                    [.. MatrixMultiplyReference.Forward(MatrixMultiplyGeometry.Create(new Shape(1, values.Length), d.Parameters[0].Shape),
                    values, weights[0]).Select((sum, i) => sum + weights[1][i])], d.Activation),
                _ => values,
            };
        }
        return values;
    }

    public void Dispose()
    {
        Network.Dispose();
        device.Dispose();
        catalogue.Dispose();
    }

    private static double[] Relu(double[] sums, ActivationFunction activation) =>
        activation == ActivationFunction.Relu ? Array.ConvertAll(sums, sum => Math.Max(0, sum)) : sums;
}
