using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Algorithms;

namespace Convolve.Engine.Operations.Activation;

// x, y [rows, columns]; an item is a row
[Kernel("softmax-forward", "activation")]
internal struct SoftmaxForward : IKernel
{
    public ArrayView<float> Input, Output;
    public int Columns;

    public readonly void Run(int row)
    {
        var at = row * Columns;
        var largest = Input[at];
        for (var i = 1; i < Columns; i++) largest = Input[at + i] <= largest ? largest : Input[at + i];
        var sum = 0f;
        for (var i = 0; i < Columns; i++)
        {
            var e = XMath.Exp(Input[at + i] - largest);
            Output[at + i] = e;
            sum += e;
        }
        for (var i = 0; i < Columns; i++) Output[at + i] /= sum;
    }
}

// dy, y, dx [rows, columns]
[Kernel("softmax-gradient", "activation")]
internal struct SoftmaxGradInput : IKernel
{
    public ArrayView<float> Upstream, Output, Gradient;
    public int Columns, Accumulate;

    public readonly void Run(int row)
    {
        var at = row * Columns;
        var dot = 0f;
        for (var i = 0; i < Columns; i++) dot += Output[at + i] * Upstream[at + i];
        for (var i = 0; i < Columns; i++)
        {
            var contribution = Output[at + i] * (Upstream[at + i] - dot);
            Gradient[at + i] = Accumulate != 0 ? Gradient[at + i] + contribution : contribution;
        }
    }
}
