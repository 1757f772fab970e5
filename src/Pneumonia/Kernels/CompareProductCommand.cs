using System.CommandLine;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

internal sealed class CompareProductCommand : Command
{
    private const int MostRows = 65_536;

    private readonly Option<int?> rows = CheckedOption.Whole("--rows", "rows of the left factor (1024)", 1, MostRows);
    private readonly Option<int?> columns = CheckedOption.Whole("--columns", "columns of the right factor (1024)", 1, MostRows);
    private readonly Option<int?> depth = CheckedOption.Whole("--depth", "columns of the left factor, rows of the right one (1024)", 1, 1_000_000);
    private readonly Option<int?> runs = CheckedOption.Whole("--runs", "runs, the fastest counts (9)", 1, 1000);
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<bool> json = SharedOption.Json();

    public CompareProductCommand(Terminal terminal) : base("gemm", "the matrix product: time, share of peak, error, workspace")
    {
        foreach (Option option in new Option[] { rows, columns, depth, runs, device, json }) Add(option);
        SetAction((result, cancellation) => ProductComparison.RunAsync(Read(result), terminal, cancellation));
    }

    /// <exception cref="UserError">The matrices are too large.</exception>
    private ProductComparisonSettings Read(ParseResult result)
    {
        int inner = result.GetValue(depth) ?? 1024;
        try
        {
            var geometry = MatrixMultiplyGeometry.Create(new Shape(result.GetValue(rows) ?? 1024, inner), new Shape(inner, result.GetValue(columns) ?? 1024));
            _ = geometry.Output;
            return new ProductComparisonSettings(geometry, result.GetValue(runs) ?? 9, result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json));
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new UserError($"kernels compare gemm: {e.Message}", e);
        }
    }
}
