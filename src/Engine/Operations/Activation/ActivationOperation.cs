using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Activation;

/// <summary>Activations as separate operations, for use where they cannot be fused into another one.</summary>
public static class ActivationOperation
{
    /// <summary>max(0, x), any shape.</summary>
    public static Tensor Relu(Tape tape, Tensor input) => Apply<Relu>("relu", tape, input);

    /// <summary>1 / (1 + e⁻ˣ), any shape.</summary>
    public static Tensor Sigmoid(Tape tape, Tensor input) => Apply<Sigmoid>("sigmoid", tape, input);

    private static Tensor Apply<TActivation>(string operation, Tape tape, Tensor input) where TActivation : struct, IActivation
    {
        var output = tape.NewTensor(input.Shape);
        output.Device.Kernels.ForEachElement(output.Shape.Length,
            new ActivationForward<TActivation> { Input = input.View, Output = output.View });
        if (tape.Records(input))
            tape.Record(operation, output, [output], upstream =>
            {
                var gradient = tape.GradientOver(upstream, input, out var accumulate);
                gradient.Device.Kernels.ForEachElement(gradient.Shape.Length, new ActivationGradInput<TActivation>
                {
                    Upstream = upstream.View,
                    Output = output.View,
                    Gradient = gradient.View,
                    Accumulate = accumulate ? 1 : 0,
                });
            });
        return output;
    }
}
