using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Optimizer;
using ILGPU;

namespace Convolve.Engine.Operations.Penalty;

// pieces, parts [pieces], weights [all parameters]; a group of one thread sums one piece of the weights
[Kernel("penalty-sum-piece", "penalty")]
internal struct PenaltySumPiece : IGroupKernel
{
    public ArrayView<UpdatePiece> Pieces;
    public ArrayView<float> Weights, Parts;

    public readonly void Run()
    {
        var piece = Pieces[Grid.IdxX];
        var sum = 0f;
        for (var i = 0; i < piece.Length; i++)
        {
            var w = Weights[piece.Weights + i];
            sum += piece.L1 * IntrinsicMath.Abs(w) + piece.L2 * w * w;
        }
        Parts[Grid.IdxX] = sum;
    }
}

// loss, output [1], parts [count]; always in the same order, so that runs are reproducible bit for bit
[Kernel("penalty-add-parts", "penalty")]
internal struct PenaltyAddParts : IGroupKernel
{
    public ArrayView<float> Loss, Parts, Output;
    public int Count;

    public readonly void Run()
    {
        var sum = Loss[0];
        for (var p = 0; p < Count; p++) sum += Parts[p];
        Output[0] = sum;
    }
}
