using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>Adds the partial sums of a product whose depth was split, always in the same order: a run repeats bit for bit.</summary>
internal static class SplitSum
{
    /// <summary>output [rows, columns] = the sum of parts [splits, rows, columns], with an epilogue.</summary>
    public static void Launch(
        Device device, ArrayView<float> parts, ArrayView<float> output, int rows, int columns, int splits, Epilogue epilogue, ArrayView<float> bias = default) =>
        device.ForEach(rows * columns, Add<SpanPerItem>, Add<GridStride>, parts, output, epilogue.HasBias == 0 ? device.Nothing.View(1) : bias,
            new ProductSizes { Rows = rows, Columns = columns, Epilogue = epilogue }, splits);

    // parts [splits, Rows * Columns], output [Rows * Columns], bias [Columns]
    public static void Add<TShape>(
        ArrayView<float> parts, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes, int splits)
        where TShape : struct, IWorkShape
    {
        var length = sizes.Rows * sizes.Columns;
        if (TShape.InFours && (sizes.Columns & 3) == 0)
            for (var i = TShape.First; i < TShape.End(length / 4); i += TShape.Step) Add<Float4>(parts, output, bias, sizes, splits, i * 4);
        else
            for (var i = TShape.First; i < TShape.End(length); i += TShape.Step) Add<Float1>(parts, output, bias, sizes, splits, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add<T>(ArrayView<float> parts, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes, int splits, int i)
        where T : struct, ILanes<T>
    {
        var sum = default(T);
        for (var s = 0; s < splits; s++) sum += T.Load(parts, s * sizes.Rows * sizes.Columns + i);
        if (sizes.Epilogue.HasBias != 0) sum += T.Load(bias, i % sizes.Columns);
        if (sizes.Epilogue.Accumulate != 0) sum += T.Load(output, i);
        T.Store(output, i, T.Zip<Clip>(sum, T.Of(sizes.Epilogue.Floor)));
    }
}
