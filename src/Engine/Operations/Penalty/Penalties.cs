using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Tensors;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Engine.Operations.Penalty;

/// <summary>
/// Weight penalties that are added to a loss: λ₁·Σ|w| + λ₂·Σw², as Keras defines them (no factor ½), for all parameters of a network at
/// once. Their gradient with respect to the weights needs no backward pass: the optimizer's update adds it (see <see cref="Updates"/>).
/// </summary>
public static class Penalties
{
    /// <summary>loss [1] + Σ over the table's parameters of λ₁·Σ|w| + λ₂·Σw² → [1].</summary>
    /// <param name="tape">Records the operation; upstream goes to the loss.</param>
    /// <param name="loss">[1].</param>
    /// <param name="weights">The buffer in which the parameters lie.</param>
    /// <param name="table">Which parameters, and their λ₁ and λ₂.</param>
    /// <exception cref="ArgumentException">The loss is no scalar, or the table reaches beyond the weights.</exception>
    public static Tensor Add(Tape tape, Tensor loss, Tensor weights, UpdateTable table)
    {
        if (loss.Shape != new Shape(1)) throw new ArgumentException($"penalties: the loss {loss.Shape} must be [1]");
        table.RequireInside(weights);
        var device = tape.Device;
        var parts = device.Pool.Rent(table.Pieces);
        var view = parts.View(table.Pieces);
        device.Launch(PenaltyKernels.SumPiece, new KernelConfig(table.Pieces, 1), table.View, weights.View, view);
        var output = tape.NewTensor(new Shape(1));
        device.Launch(PenaltyKernels.AddParts, new KernelConfig(1, 1), loss.View, view, output.View, table.Pieces);
        parts.Release();
        if (tape.Records(loss))
            tape.Record("penalty", output, [], upstream => tape.AddGradient(loss, upstream.Reshape(loss.Shape)));
        return output;
    }
}

internal static class PenaltyKernels
{
    // A group of one thread sums up one piece of the weights: pieces, parts [pieces]
    public static void SumPiece(ArrayView<UpdatePiece> pieces, ArrayView<float> weights, ArrayView<float> parts)
    {
        var piece = pieces[Grid.IdxX];
        var sum = 0f;
        for (var i = 0; i < piece.Length; i++)
        {
            var w = weights[piece.Weights + i];
            sum += piece.L1 * IntrinsicMath.Abs(w) + piece.L2 * w * w;
        }
        parts[Grid.IdxX] = sum;
    }

    // Always in the same order: a run repeats bit for bit.
    public static void AddParts(ArrayView<float> loss, ArrayView<float> parts, ArrayView<float> output, int pieces)
    {
        var sum = loss[0];
        for (var p = 0; p < pieces; p++) sum += parts[p];
        output[0] = sum;
    }
}
