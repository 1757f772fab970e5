using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>The epilogue of a product on a GPU: bias, accumulation, ReLU, and the store, for four neighbouring columns at a time.</summary>
internal static class GpuEpilogue
{
    /// <summary>Stores four finished sums of a row, at once if the row length is a multiple of four, from a column that is one.</summary>
    // output [splits, Rows, Columns], bias [Columns]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Float4 sums, int row, int column, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
    {
        var target = (Grid.IdxZ * sizes.Rows + row) * sizes.Columns + column;
        if ((sizes.Columns & 3) == 0)
        {
            if (column >= sizes.Columns) return;
            var fours = output.Cast<Float4>();
            if (sizes.Epilogue.HasBias != 0) sums = Add(sums, bias.Cast<Float4>()[column / 4]);
            if (sizes.Epilogue.Accumulate != 0) sums = Add(sums, fours[target / 4]);
            sums.X = sizes.Epilogue.Clip(sums.X);
            sums.Y = sizes.Epilogue.Clip(sums.Y);
            sums.Z = sizes.Epilogue.Clip(sums.Z);
            sums.W = sizes.Epilogue.Clip(sums.W);
            fours[target / 4] = sums;
            return;
        }
        StoreOne(sums.X, target, column, output, bias, sizes);
        StoreOne(sums.Y, target + 1, column + 1, output, bias, sizes);
        StoreOne(sums.Z, target + 2, column + 2, output, bias, sizes);
        StoreOne(sums.W, target + 3, column + 3, output, bias, sizes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreOne(float sum, int target, int column, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes)
    {
        if (column >= sizes.Columns) return;
        if (sizes.Epilogue.HasBias != 0) sum += bias[column];
        if (sizes.Epilogue.Accumulate != 0) sum += output[target];
        output[target] = sizes.Epilogue.Clip(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Float4 Add(Float4 a, Float4 b) => new() { X = a.X + b.X, Y = a.Y + b.Y, Z = a.Z + b.Z, W = a.W + b.W };
}
