using System.Globalization;
using System.Text.RegularExpressions;

namespace Convolve.Engine.Kernels;

/// <summary>What a kernel's PTX is made of, counted in the text: an instruction in a loop counts once.</summary>
/// <param name="GlobalLoads">Loads from global memory, of which <see cref="GlobalVectorLoads"/> bring two or four floats.</param>
/// <param name="GlobalVectorLoads">Loads of two or four floats from global memory.</param>
/// <param name="GlobalStores">Stores to global memory.</param>
/// <param name="SharedLoads">Loads from shared memory, of which <see cref="SharedVectorLoads"/> bring two or four floats.</param>
/// <param name="SharedVectorLoads">Loads of two or four floats from shared memory.</param>
/// <param name="SharedStores">Stores to shared memory.</param>
/// <param name="LocalAccesses">Loads and stores of what found no room in registers.</param>
/// <param name="MultiplyAdds">Products whose sum is the next thing done with them, which the assembler makes one instruction, and tensor-core instructions.</param>
/// <param name="DeclaredRegisters">Virtual registers: the assembler maps them to at most 255 real ones.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
public sealed partial record KernelCounts(
    int GlobalLoads, int GlobalVectorLoads, int GlobalStores, int SharedLoads, int SharedVectorLoads, int SharedStores, int LocalAccesses,
    int MultiplyAdds, int DeclaredRegisters, int SharedBytes)
{
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
            multiplyAdds, Sum(ptx, Registers()), Sum(ptx, SharedArray()));
    }

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

    [GeneratedRegex(@"\.reg \.[a-z0-9]+\s+%?[a-z]+<(\d+)>")]
    private static partial Regex Registers();

    [GeneratedRegex(@"\.shared \.align \d+ \.b8 \w+\[(\d+)\]")]
    private static partial Regex SharedArray();
}
