using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Operations.Penalty;

/// <summary>
/// Weight penalties that are added to a loss: λ₁·Σ|w| + λ₂·Σw², as Keras defines them (no factor ½), for all parameters of a network at
/// once. Their gradient with respect to the weights needs no backward pass: the optimizer's update adds it (see
/// <see cref="UpdateOperation"/>).
/// </summary>
public static class PenaltyOperation
{
    /// <summary>loss [1] + Σ over the table's parameters of λ₁·Σ|w| + λ₂·Σw² → [1].</summary>
    /// <param name="tape">Records the operation; upstream goes to the loss.</param>
    /// <param name="loss">[1].</param>
    /// <param name="weights">The buffer of the parameters.</param>
    /// <param name="table">Which parameters, and their λ₁ and λ₂.</param>
    /// <exception cref="ArgumentException">The loss is not a scalar, or the table exceeds the weights.</exception>
    public static Tensor Add(Tape tape, Tensor loss, Tensor weights, UpdateTable table)
    {
        if (loss.Shape != new Shape(1)) throw new ArgumentException($"penalties: the loss {loss.Shape} must be [1]");
        table.RequireInside(weights);
        var device = tape.Device;
        var parts = device.Pool.Rent(table.Pieces);
        var view = parts.View(table.Pieces);
        device.Kernels.ForEachGroup(new(table.Pieces), new PenaltySumPiece { Pieces = table.View, Weights = weights.View, Parts = view });
        var output = tape.NewTensor(new Shape(1));
        device.Kernels.ForEachGroup(new(1),
            new PenaltyAddParts { Loss = loss.View, Parts = view, Output = output.View, Count = table.Pieces });
        parts.Release();
        if (tape.Records(loss))
            tape.Record("penalty", output, [], upstream => tape.AddGradient(loss, upstream.Reshape(loss.Shape)));
        return output;
    }
}
