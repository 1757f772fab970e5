using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;

namespace Convolve.Inspection.Tests.PtxMachine;

/// <summary>
/// A product of matrices C [128,128] = A [128,64] · B [64,128] by a kernel in inline PTX that takes C as a view and all three as addresses:
/// with <c>cp.async</c>, stages, swizzles, and the tensor cores or <c>fma</c>. An H200 computes right products with them.
/// </summary>
/// <param name="Findings">What the sanitizer found.</param>
/// <param name="Error">The largest error, relative to the largest value.</param>
/// <param name="Counts">What was executed.</param>
internal sealed record ProductRun(IReadOnlyList<Finding> Findings, double Error, LaunchCounts Counts)
{
    private const int Size = 128, Depth = 64;

    /// <summary>The text of a kernel among the resources.</summary>
    public static string Text(string name)
    {
        using var reader = new StreamReader(typeof(ProductRun).Assembly.GetManifestResourceStream($"{name}.ptx")!);
        return reader.ReadToEnd();
    }

    /// <summary>Runs a kernel.</summary>
    public static ProductRun Of(string ptx)
    {
        var kernel = ExecutableKernel.Of(ptx);
        var random = new Random(1);
        var left = Enumerable.Range(0, Size * Depth).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var right = Enumerable.Range(0, Depth * Size).Select(_ => random.NextSingle() - 0.5f).ToArray();
        using var memory = new GlobalMemory();
        var a = memory.Allocate<float>("a", left);
        var b = memory.Allocate<float>("b", right);
        var c = memory.Allocate("c", Size * Size * sizeof(float));
        var arguments = new LaunchArguments(kernel.Kernel).AddView<float>(c).Add(a.Address).Add(b.Address).Add(c.Address).Add(Size)
            .Add(Size).Add(Depth);
        var result = kernel.Launch(memory, new Extent(1), new Extent(256), arguments.Bytes, new LaunchOptions(Count: true));
        return new ProductRun(result.Findings, ErrorOf(left, right, c.Read<float>()), result.Counts!);
    }

    private static double ErrorOf(float[] left, float[] right, float[] actual)
    {
        double worst = 0, largest = 0;
        for (var row = 0; row < Size; row++)
            for (var column = 0; column < Size; column++)
            {
                double sum = 0;
                for (var depth = 0; depth < Depth; depth++) sum += (double)left[row * Depth + depth] * right[depth * Size + column];
                largest = Math.Max(largest, Math.Abs(sum));
                worst = Math.Max(worst, Math.Abs(sum - actual[row * Size + column]));
            }
        return worst / largest;
    }
}
