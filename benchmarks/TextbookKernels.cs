using Convolve.Engine.Kernels;
using Convolve.Engine.Randomness;
using Convolve.Engine.Tensors;

namespace Convolve.Benchmarks;

// The lowest rungs: operations as a textbook writes them, a kernel for every formula. The engine has better ones; these are what those are
// measured against.

// y = σ(x)
public struct Sigmoid : IKernel
{
    public Values Input, Output;

    public readonly void Run(int i) => Output[i] = 1f / (1f + MathF.Exp(-Input[i]));
}

// ℓ = −t ln p − (1−t) ln(1−p), which fails where p rounds to 0 or 1
public struct LossOfProbability : IKernel
{
    public Values Probability, Target, Loss;

    public readonly void Run(int i) => Loss[i] = -Target[i] * MathF.Log(Probability[i]) - (1f - Target[i]) * MathF.Log(1f - Probability[i]);
}

// one item: L = Σℓ / N
public struct MeanOfAll : IKernel
{
    public Values Input, Output;

    public readonly void Run(int i)
    {
        var sum = 0f;
        for (var n = 0; n < Input.Length; n++) sum += Input[n];
        Output[0] = sum / Input.Length;
    }
}

// dL/dp = (p−t) / p(1−p) / N
public struct GradientOfProbability : IKernel
{
    public Values Probability, Target, Gradient;

    public readonly void Run(int i)
    {
        var p = Probability[i];
        Gradient[i] = (p - Target[i]) / (p * (1f - p)) / Target.Length;
    }
}

// dL/dz = dL/dp · p(1−p)
public struct GradientOfSigmoid : IKernel
{
    public Values Probability, Upstream, Gradient;

    public readonly void Run(int i) => Gradient[i] = Upstream[i] * Probability[i] * (1f - Probability[i]);
}

// m = 0 or 1/(1−p)
public struct DrawMask : IKernel
{
    public Values Mask;
    public float Probability;
    public uint Key;

    public readonly void Run(int i) => Mask[i] = CounterRandom.Uniform(Key, (uint)i) < Probability ? 0f : 1f / (1f - Probability);
}

// y = m · x
public struct Multiply : IKernel
{
    public Values Left, Right, Output;

    public readonly void Run(int i) => Output[i] = Left[i] * Right[i];
}

// one item a channel: μ = Σx / M of x [M,C]
public struct MeanOfChannel : IKernel
{
    public Values Input, Mean;

    public readonly void Run(int c)
    {
        var sum = 0f;
        for (var i = c; i < Input.Length; i += Mean.Length) sum += Input[i];
        Mean[c] = sum * Mean.Length / Input.Length;
    }
}

// one item a channel: v = Σ(x−μ)² / M
public struct VarianceOfChannel : IKernel
{
    public Values Input, Mean, Variance;

    public readonly void Run(int c)
    {
        var sum = 0f;
        for (var i = c; i < Input.Length; i += Mean.Length) sum += (Input[i] - Mean[c]) * (Input[i] - Mean[c]);
        Variance[c] = sum * Mean.Length / Input.Length;
    }
}

// y = γ(x−μ)/√(v+ε) + β
public struct Normalize : IKernel
{
    public Values Input, Mean, Variance, Scale, Shift, Output;

    public readonly void Run(int i)
    {
        var c = i % Mean.Length;
        Output[i] = Scale[c] * (Input[i] - Mean[c]) / MathF.Sqrt(Variance[c] + 1e-3f) + Shift[c];
    }
}

// y = max(0, x)
public struct Relu : IKernel
{
    public Values Input, Output;

    public readonly void Run(int i) => Output[i] = MathF.Max(0f, Input[i]);
}

// m = ρv
public struct Decay : IKernel
{
    public Values Average, Output;

    public readonly void Run(int i) => Output[i] = 0.9f * Average[i];
}

// v = m + (1−ρ)g²
public struct AddSquare : IKernel
{
    public Values Decayed, Gradient, Average;

    public readonly void Run(int i) => Average[i] = Decayed[i] + 0.1f * Gradient[i] * Gradient[i];
}

// d = g / (√v + ε)
public struct Direction : IKernel
{
    public Values Average, Gradient, Output;

    public readonly void Run(int i) => Output[i] = Gradient[i] / (MathF.Sqrt(Average[i]) + 1e-7f);
}

// w −= ηd
public struct Descend : IKernel
{
    public Values Direction, Weights;

    public readonly void Run(int i) => Weights[i] -= 1e-4f * Direction[i];
}

// the four in one
public struct RmsPropStep : IKernel
{
    public Values Weights, Gradient, Average;

    public readonly void Run(int i)
    {
        var average = 0.9f * Average[i] + 0.1f * Gradient[i] * Gradient[i];
        Average[i] = average;
        Weights[i] -= 1e-4f * Gradient[i] / (MathF.Sqrt(average) + 1e-7f);
    }
}
