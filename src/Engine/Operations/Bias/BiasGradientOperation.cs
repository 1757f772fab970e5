using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Bias;

/// <summary>
/// The first step of the backward pass through y = max(0, s + b): one pass that masks the upstream gradient in place
/// and sums it per column, which is the bias gradient.
/// </summary>
internal static class BiasGradientOperation
{
    /// <summary>Fewest rows per work item.</summary>
    private const int ShortestShare = 64;

    /// <summary>Masks <paramref name="upstream"/> [..., C] by <paramref name="activated"/> and adds to the gradient of
    /// <paramref name="bias"/> [C].</summary>
    /// <param name="tape">Holds the gradients.</param>
    /// <param name="upstream">The gradient with respect to y; masked in place if there is a ReLU.</param>
    /// <param name="activated">y itself if ReLU was applied, else null.</param>
    /// <param name="bias">b, or null if there is none.</param>
    public static void Apply(Tape tape, Tensor upstream, Tensor? activated, Tensor? bias)
    {
        var device = upstream.Device;
        var columns = upstream.Shape[^1];
        var rows = upstream.Shape.Length / columns;
        if (bias is not { RequiresGradient: true })
        {
            if (activated is not null)
                device.Kernels.ForEachElement(upstream.Shape.Length, new BiasMask { Upstream = upstream.View, Activated = activated.View });
            return;
        }
        var gradient = tape.GradientOf(bias, out var accumulate);
        var shares = Math.Clamp(rows / ShortestShare, 1, device.SumParts * 2);
        var parts = device.Pool.Rent((long)shares * columns);
        var view = parts.View(shares * columns);
        var masked = activated is null ? 0 : 1;
        if (device.Shape == KernelShape.Cpu)
            device.Kernels.ForEachGroup(new(shares), new BiasMaskAndSumRows
            {
                Upstream = upstream.View,
                Activated = (activated ?? upstream).View,
                Parts = view,
                Rows = rows,
                Columns = columns,
                Shares = shares,
                Masked = masked,
            });
        else
            device.Kernels.ForEachGroup(new(BiasMaskAndSumColumns.GroupsAcross(columns), shares, Threads: BiasMaskAndSumColumns.Threads),
                new BiasMaskAndSumColumns
                {
                    Upstream = upstream.View,
                    Activated = (activated ?? upstream).View,
                    Parts = view,
                    Rows = rows,
                    Columns = columns,
                    Shares = shares,
                    Masked = masked,
                });
        SumOfParts(device, view, gradient, columns, shares, accumulate);
        parts.Release();
    }

    /// <summary>gradient [columns] (+)= the sum of parts [chunks, columns].</summary>
    internal static void SumOfParts(Device device, ArrayView<float> parts, Tensor gradient, int columns, int shares, bool accumulate)
    {
        using var tree = new PartTree(device, parts, columns, shares);
        device.Kernels.ForEachElement(columns, new AddParts
        {
            Parts = tree.Parts,
            Gradient = gradient.View,
            Columns = columns,
            Shares = tree.Count,
            Accumulate = accumulate ? 1 : 0,
        }, inFours: (columns & 3) == 0);
    }
}
