using Convolve.Engine.Kernels;
using Convolve.Engine.Randomness;
using ILGPU;

namespace Convolve.Engine.Operations.Dropout;

// x, y, any shape. The mask is linear and symmetric: the same kernel is the forward pass and its gradient.
[Kernel("dropout", "dropout")]
internal struct DropoutMask : IKernel
{
    public ArrayView<float> Source, Target;
    public float Probability;
    public uint Key;
    public int Accumulate;

    public readonly void Run(int i)
    {
        var scaled = Source[i] * (1f / (1f - Probability));
        var masked = CounterRandom.Uniform(Key, (uint)i) < Probability ? 0f : scaled;
        Target[i] = Accumulate != 0 ? Target[i] + masked : masked;
    }
}
