using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

// parts [splits, Rows, Columns], output [Rows, Columns], bias [Columns]; always in the same order, so that runs are reproducible bit for
// bit
[Kernel("split-sum", "matrix multiply")]
[KernelTraits(IsHot = true)]
internal struct SplitSum : IElementKernel
{
    public ArrayView<float> Parts, Output, Bias;
    public int Length, Columns, Splits;
    public Epilogue Epilogue;

    public readonly void Run<T>(int i) where T : struct, ILanes<T>
    {
        var sum = default(T);
        for (var s = 0; s < Splits; s++) sum += T.Load(Parts, s * Length + i);
        if (Epilogue.HasBias != 0) sum += T.Load(Bias, i % Columns);
        if (Epilogue.Accumulate != 0) sum += T.Load(Output, i);
        T.Store(Output, i, T.Zip<Clip>(sum, T.Of(Epilogue.Floor)));
    }

    /// <summary>output [rows, columns] = the sum of parts [splits, rows, columns], with an epilogue.</summary>
    public static void Launch(
        Device device, ArrayView<float> parts, ArrayView<float> output, int rows, int columns, int splits, Epilogue epilogue,
        ArrayView<float> bias = default)
    {
        using var tree = new PartTree(device, parts, rows * columns, splits);
        device.Kernels.ForEachElement(rows * columns, new SplitSum
        {
            Parts = tree.Parts,
            Output = output,
            Bias = epilogue.HasBias == 0 ? device.Nothing.View(1) : bias,
            Length = rows * columns,
            Columns = columns,
            Splits = tree.Count,
            Epilogue = epilogue,
        }, inFours: (columns & 3) == 0);
    }
}
