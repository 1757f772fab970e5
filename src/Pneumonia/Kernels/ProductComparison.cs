using System.Globalization;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

/// <summary>Settings of <c>kernels compare gemm</c>.</summary>
public sealed record ProductComparisonSettings : ICheckedSettings
{
    private const int MostRows = 65_536;

    [Whole("rows of the left factor (1024)", 1, MostRows)]
    public int Rows { get; init; } = 1024;

    [Whole("columns of the right factor (1024)", 1, MostRows)]
    public int Columns { get; init; } = 1024;

    [Whole("columns of the left factor, rows of the right one (1024)", 1, 1_000_000)]
    public int Depth { get; init; } = 1024;

    [Whole("runs, the fastest counts (9)", 1, 1000)]
    public int Runs { get; init; } = 9;

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Json]
    public bool Json { get; init; }

    /// <summary>The shapes of the factors and the product.</summary>
    /// <exception cref="ArgumentException">They are too large.</exception>
    public MatrixMultiplyGeometry Geometry => MatrixMultiplyGeometry.Create(new Shape(Rows, Depth), new Shape(Depth, Columns));

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        try { _ = Geometry.Output; }
        catch (Exception e) when (e is ArgumentException or OverflowException) { throw UserError.From(e, command); }
    }
}

/// <summary>The figures of a matrix product.</summary>
/// <param name="Milliseconds">The fastest run.</param>
/// <param name="Gflops">2 · rows · columns · depth divided by that time, in 10⁹ per second.</param>
/// <param name="PeakGflops">The device's peak, measured before and after; the larger counts.</param>
/// <param name="ShareOfPeak">Gflops divided by PeakGflops.</param>
/// <param name="LargestError">The largest difference from the double-precision reference on the first rows, relative to its largest
/// value.</param>
/// <param name="WorkspaceBytes">Device memory in addition to the three matrices.</param>
public sealed record ProductFigures(
    double Milliseconds, double Gflops, double PeakGflops, double ShareOfPeak, double LargestError, long WorkspaceBytes);

/// <summary>The matrix product, compared with the device's peak.</summary>
public static class ProductComparison
{
    /// <exception cref="UserError">There is no such device, or it has too little memory for the matrices.</exception>
    public static Task<int> RunAsync(ProductComparisonSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var open = OpenDevice.For(settings.Device);
        open.Announce(terminal);
        ProductFigures figures;
        try
        {
            using var trial = new MatrixMultiplyTrial(open.Device, settings.Geometry);
            var peak = PeakArithmetic.MeasureGigaflops(open.Device);
            var milliseconds = trial.Milliseconds(settings.Runs);
            cancellation.ThrowIfCancellationRequested();
            peak = Math.Max(peak, PeakArithmetic.MeasureGigaflops(open.Device));
            var g = settings.Geometry;
            var gflops = 2.0 * g.Rows * g.Columns * g.Depth / milliseconds * 1e-6;
            figures = new ProductFigures(milliseconds, gflops, peak, gflops / peak, trial.LargestError(), trial.WorkspaceBytes());
        }
        catch (DeviceException e)
        {
            throw UserError.From(e,
                given: $"--rows {settings.Geometry.Rows}, --columns {settings.Geometry.Columns}, --depth {settings.Geometry.Depth}");
        }
        if (settings.Json) terminal.WriteJson(figures);
        else terminal.Results.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"[{settings.Geometry.Rows},{settings.Geometry.Depth}] · [{settings.Geometry.Depth},{settings.Geometry.Columns}]: "
                + $"{figures.Milliseconds:F2} ms, "
            + $"{figures.Gflops:F1} GFLOP/s, {figures.ShareOfPeak:P0} of the peak of {figures.PeakGflops:F1}, largest error "
            + $"{figures.LargestError:0.0E+0}, "
            + $"workspace {figures.WorkspaceBytes / 1048576.0:F1} MiB"));
        return Task.FromResult(0);
    }
}
