using System.Text.RegularExpressions;

namespace Convolve.Inspection;

/// <summary>Counts in a kernel's OpenCL source: a statement in a loop counts once.</summary>
/// <param name="Loads">Reads through a pointer, from any memory.</param>
/// <param name="Stores">Writes through a pointer.</param>
/// <param name="MultiplyAdds">Products that are only added to something; the pragma in the source's first line lets the driver fuse
/// them.</param>
public sealed partial record OpenClCounts(int Loads, int Stores, int MultiplyAdds)
{
    /// <summary>Counts in the source of a kernel.</summary>
    public static OpenClCounts Of(string source)
    {
        var products = new HashSet<string>();
        var multiplyAdds = 0;
        foreach (Match match in Arithmetic().Matches(source))
        {
            if (match.Groups["operation"].Value == "*") products.Add(match.Groups["result"].Value);
            else if (products.Remove(match.Groups["a"].Value) || products.Remove(match.Groups["b"].Value)) multiplyAdds++;
        }
        return new OpenClCounts(Load().Count(source), Store().Count(source), multiplyAdds);
    }

    [GeneratedRegex(@"=\s*\*\s*\w+;")]
    private static partial Regex Load();

    [GeneratedRegex(@"^\s*\*\s*\w+\s*=", RegexOptions.Multiline)]
    private static partial Regex Store();

    [GeneratedRegex(@"(?<result>\w+) = \(float\)\(\(float\)\s*(?<a>[^\s()]+)\s*(?<operation>[-+*])\s*\(float\)\s*(?<b>[^\s()]+)\)")]
    private static partial Regex Arithmetic();
}
