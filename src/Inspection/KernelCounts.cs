using System.Globalization;
using System.Text.RegularExpressions;

namespace Convolve.Inspection;

/// <summary>Counts in a kernel's PTX text: an instruction in a loop counts once.</summary>
/// <param name="GlobalLoads">Loads from global memory, <see cref="GlobalVectorLoads"/> among them.</param>
/// <param name="GlobalVectorLoads">Loads of two or four floats from global memory.</param>
/// <param name="GlobalStores">Stores to global memory.</param>
/// <param name="SharedLoads">Loads from shared memory, <see cref="SharedVectorLoads"/> among them.</param>
/// <param name="SharedVectorLoads">Loads of two or four floats from shared memory.</param>
/// <param name="SharedStores">Stores to shared memory.</param>
/// <param name="LocalAccesses">Loads and stores of spilled values.</param>
/// <param name="MultiplyAdds">Products that are only added to something, which the assembler fuses, and tensor-core instructions.</param>
/// <param name="DeclaredRegisters">Virtual registers, which the assembler maps to at most 255 physical ones.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
public sealed partial record KernelCounts(
    int GlobalLoads, int GlobalVectorLoads, int GlobalStores, int SharedLoads, int SharedVectorLoads, int SharedStores, int LocalAccesses,
    int MultiplyAdds, int DeclaredRegisters, int SharedBytes)
{
    // m16n8k8: 16 · 8 · 8 products and sums, shared by the 32 threads of a warp.
    private const int OperationsOfTensorCore = 2 * 16 * 8 * 8 / 32;

    /// <summary>float32 operations of a thread: products, sums, quotients, roots, exponentials, the larger of two; a multiply-add counts as
    /// two.</summary>
    public int FloatOperations { get; private init; }

    /// <summary>Bytes that a thread loads from and stores to global memory.</summary>
    public int GlobalBytesMoved { get; private init; }

    /// <summary>Bytes that a thread loads from and stores to shared memory.</summary>
    public int SharedBytesMoved { get; private init; }

    /// <summary>Arithmetic intensity of the text: operations per byte of global memory; null if it moves none.</summary>
    public double? Intensity => GlobalBytesMoved == 0 ? null : (double)FloatOperations / GlobalBytesMoved;

    /// <summary>Counts in the PTX of a kernel.</summary>
    public static KernelCounts OfPtx(string ptx)
    {
        var products = new HashSet<string>();
        var multiplyAdds = Count(ptx, FusedMultiplyAdd());
        foreach (Match match in Arithmetic().Matches(ptx))
        {
            if (match.Groups["operation"].Value == "mul") products.Add(match.Groups["result"].Value);
            else if (products.Remove(match.Groups["a"].Value) || products.Remove(match.Groups["b"].Value)) multiplyAdds++;
        }
        return new KernelCounts(
            Count(ptx, GlobalLoad()), Count(ptx, GlobalVectorLoad()), Count(ptx, GlobalStore()),
            Count(ptx, SharedLoad()), Count(ptx, SharedVectorLoad()), Count(ptx, SharedStore()), Count(ptx, LocalAccess()),
            multiplyAdds, Sum(ptx, Registers()), Sum(ptx, SharedArray()))
        {
            FloatOperations = Count(ptx, FloatOperation()) + 2 * Count(ptx, FusedFloats())
                + OperationsOfTensorCore * Count(ptx, TensorCore()),
            GlobalBytesMoved = Moved(ptx, "global"),
            SharedBytesMoved = Moved(ptx, "shared"),
        };
    }

    private static int Moved(string ptx, string space) => Access().Matches(ptx).Where(match => match.Groups["space"].Value == space)
        .Sum(match =>
        (match.Groups["lanes"].Success ? int.Parse(match.Groups["lanes"].Value, CultureInfo.InvariantCulture) : 1)
        * int.Parse(match.Groups["bits"].Value, CultureInfo.InvariantCulture) / 8);

    private static int Count(string text, Regex pattern) => pattern.Count(text);

    private static int Sum(string text, Regex pattern) =>
        pattern.Matches(text).Sum(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    [GeneratedRegex(@"\bld\.global\b")]
    private static partial Regex GlobalLoad();

    [GeneratedRegex(@"\bld\.global\.v[24]\b")]
    private static partial Regex GlobalVectorLoad();

    [GeneratedRegex(@"\bst\.global\b")]
    private static partial Regex GlobalStore();

    [GeneratedRegex(@"\bld\.shared\b")]
    private static partial Regex SharedLoad();

    [GeneratedRegex(@"\bld\.shared\.v[24]\b")]
    private static partial Regex SharedVectorLoad();

    [GeneratedRegex(@"\bst\.shared\b")]
    private static partial Regex SharedStore();

    [GeneratedRegex(@"\b(ld|st)\.local\b")]
    private static partial Regex LocalAccess();

    [GeneratedRegex(@"\b(fma\.rn(\.ftz)?\.f32|mma\.sync)\b")]
    private static partial Regex FusedMultiplyAdd();

    [GeneratedRegex(@"\b(?<operation>mul|add|sub)(\.rn|\.ftz)*\.f32\s+(?<result>%f\d+),\s*(?<a>[^,\s]+),\s*(?<b>[^,;\s]+);")]
    private static partial Regex Arithmetic();

    [GeneratedRegex(@"\b(mul|add|sub|div|sqrt|rsqrt|rcp|ex2|lg2|min|max)(\.(rn|rz|full|approx|ftz|sat))*\.f32\b")]
    private static partial Regex FloatOperation();

    [GeneratedRegex(@"\bfma\.rn(\.ftz)?\.f32\b")]
    private static partial Regex FusedFloats();

    [GeneratedRegex(@"\bmma\.sync\b")]
    private static partial Regex TensorCore();

    [GeneratedRegex(@"\b(ld|st)\.(?<space>global|shared)(\.v(?<lanes>[24]))?\.[bfsu](?<bits>\d+)\b")]
    private static partial Regex Access();

    [GeneratedRegex(@"\.reg \.[a-z0-9]+\s+%?[a-z]+<(\d+)>")]
    private static partial Regex Registers();

    [GeneratedRegex(@"\.shared \.align \d+ \.b8 \w+\[(\d+)\]")]
    private static partial Regex SharedArray();
}
