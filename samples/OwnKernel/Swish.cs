using Convolve.Engine.Autograd;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;

namespace OwnKernel;

// y = x · σ(x), any shape
public struct SwishForward : IKernel
{
    public Values Input, Output;

    public readonly void Run(int i)
    {
        var x = Input[i];
        Output[i] = x / (1f + MathF.Exp(-x));
    }
}

// dx = dy · σ(x) · (1 + x · (1 − σ(x)))
public struct SwishGradient : IKernel
{
    public Values Upstream, Input, Gradient;
    public int Accumulate;

    public readonly void Run(int i)
    {
        var x = Input[i];
        var sigmoid = 1f / (1f + MathF.Exp(-x));
        var contribution = Upstream[i] * sigmoid * (1f + x * (1f - sigmoid));
        Gradient[i] = Accumulate != 0 ? Gradient[i] + contribution : contribution;
    }
}

public static class Swish
{
    public static Tensor Apply(Tape tape, Tensor input)
    {
        var output = tape.NewTensor(input.Shape);
        tape.Device.Launch(input.Shape.Length, new SwishForward { Input = input.Values, Output = output.Values });
        if (tape.Records(input))
            tape.Record("swish", output, saved: [input], upstream =>
            {
                var gradient = tape.GradientOf(input, out var accumulate);
                tape.Device.Launch(input.Shape.Length, new SwishGradient
                {
                    Upstream = upstream.Values,
                    Input = input.Values,
                    Gradient = gradient.Values,
                    Accumulate = accumulate ? 1 : 0,
                });
            });
        return output;
    }

    // The definition: plain, slow, and in double precision.
    public static double[] Definition(double[] x) => [.. x.Select(v => v / (1 + Math.Exp(-v)))];
}
