using System.Globalization;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Kernels;

/// <summary>Settings of <c>kernels compare conv</c>: one shape and pass.</summary>
public sealed record ConvolutionComparisonSettings : ICheckedSettings
{
    [Whole("images (4)", 1, 65_536)]
    public int Batch { get; init; } = 4;

    [Pixels("rows and columns of the input (75)")]
    public int Pixels { get; init; } = 75;

    [Whole("input channels (128)", 1, 65_536)]
    public int Channels { get; init; } = 128;

    [Whole("output channels (128)", 1, 65_536)]
    public int Filters { get; init; } = 128;

    [Whole("side of the kernel (3)", 1, 64)]
    public int Kernel { get; init; } = 3;

    [Whole("step of the kernel (1)", 1, 64)]
    public int Stride { get; init; } = 1;

    [Text("valid|same|N", "zeros around the image (same)", "valid, same or a number of pixels")]
    public string Padding { get; init; } = "same";

    [Word("what to compute (forward)", "forward", "input-gradient", "kernel-gradient")]
    public string Pass { get; init; } = "forward";

    [Whole("runs per algorithm, the fastest counts (5)", 1, 1000)]
    public int Runs { get; init; } = 5;

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    [Json]
    public bool Json { get; init; }

    /// <summary>The shapes of input, kernel and output.</summary>
    /// <exception cref="ArgumentException">They do not match, or are too large.</exception>
    public ConvolutionGeometry Geometry =>
        ConvolutionGeometry.Create(new Shape(Batch, Pixels, Pixels, Channels), new Shape(Kernel, Kernel, Channels, Filters), Zeros, Stride);

    /// <summary>The zeros around the image.</summary>
    public Engine.Operations.Convolution.Padding Zeros => Padding.ToLowerInvariant() switch
    {
        "valid" => Engine.Operations.Convolution.Padding.Valid,
        "same" => Engine.Operations.Convolution.Padding.Same,
        _ when int.TryParse(Padding, NumberStyles.None, CultureInfo.InvariantCulture, out var amount)
            && amount <= 64 => Engine.Operations.Convolution.Padding.Of(amount),
        _ => throw new UserError($"--padding: '{Padding}' is not allowed; give valid, same or a number of pixels up to 64"),
    };

    /// <summary>What to compute.</summary>
    public ConvolutionPass ComputedPass => Pass switch
    {
        "input-gradient" => ConvolutionPass.GradInput,
        "kernel-gradient" => ConvolutionPass.GradKernel,
        _ => ConvolutionPass.Forward,
    };

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        // A shape that is too large is refused before a device is opened.
        try { _ = Geometry.Output; }
        catch (Exception e) when (e is ArgumentException or OverflowException) { throw new UserError($"kernels compare {e.Message}"); }
    }
}

/// <summary>One algorithm's figures for one shape.</summary>
/// <param name="Algorithm">Its name, as <c>--conv</c> takes it.</param>
/// <param name="Milliseconds">Its fastest run.</param>
/// <param name="Gflops">Operations of the direct formula divided by that time, in 10⁹ per second.</param>
/// <param name="ShareOfPeak">The same as a fraction of the device's measured peak. Winograd can exceed 1, because it multiplies
/// less.</param>
/// <param name="LargestError">The largest difference from the double-precision reference, relative to its largest value.</param>
/// <param name="WorkspaceBytes">Device memory in addition to inputs and output.</param>
/// <param name="Auto">Whether <c>--conv auto</c> chooses it.</param>
public sealed record ConvolutionFigures(
    string Algorithm, double Milliseconds, double Gflops, double ShareOfPeak, double LargestError, long WorkspaceBytes, bool Auto);

/// <summary>Every algorithm of the convolution side by side on one shape.</summary>
public static class ConvolutionComparison
{
    /// <summary>Most multiply-adds of the reference, which runs on one core in double precision for some seconds.</summary>
    private const double ReferenceWork = 3e8;

    /// <exception cref="UserError">There is no such device, or it has too little memory for the shape.</exception>
    public static Task<int> RunAsync(ConvolutionComparisonSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        using var open = OpenDevice.For(settings.Device);
        open.Announce(terminal);
        var peak = PeakArithmetic.MeasureGigaflops(open.Device);
        var checkedShape = WithinReferenceWork(settings);
        terminal.Note($"peak: {peak:F0} GFLOP/s, measured with multiply-adds that never leave the registers; errors: on "
            + $"{checkedShape.Input}");
        ConvolutionFigures[] rows;
        try
        {
            rows = Measure(settings, checkedShape, open.Device, peak, cancellation);
        }
        catch (DeviceException e)
        {
            throw UserError.From(e, given: $"input {settings.Geometry.Input}, kernel {settings.Geometry.Kernel}");
        }
        if (settings.Json) terminal.WriteJson(rows);
        else Print(rows, settings.Geometry, terminal);
        return Task.FromResult(0);
    }

    private static ConvolutionFigures[] Measure(
        ConvolutionComparisonSettings settings, ConvolutionGeometry checkedShape, Device device, double peak,
        CancellationToken cancellation)
    {
        (var geometry, var pass) = (settings.Geometry, settings.ComputedPass);
        var chosen = ConvolutionChoice.Model(pass, geometry, device);
        using var trial = new ConvolutionTrial(device, geometry, pass);
        using var checkedTrial = new ConvolutionTrial(device, checkedShape, pass);
        var rows = new List<ConvolutionFigures>();
        foreach (var algorithm in ConvolutionChoice.Available(pass, geometry, device))
        {
            cancellation.ThrowIfCancellationRequested();
            var milliseconds = trial.Milliseconds(algorithm, algorithm == ConvolutionAlgorithm.Naive ? 1 : settings.Runs);
            var gflops = geometry.Flops / milliseconds * 1e-6;
            rows.Add(new ConvolutionFigures(algorithm.ToString().ToLowerInvariant(), milliseconds, gflops, gflops / peak,
                checkedTrial.LargestError(algorithm), trial.WorkspaceBytes(algorithm), algorithm == chosen));
        }
        return [.. rows];
    }

    /// <summary>The shape itself, or as many of its images, or rows of one, as the reference can compute in some seconds.</summary>
    private static ConvolutionGeometry WithinReferenceWork(ConvolutionComparisonSettings settings)
    {
        var g = settings.Geometry;
        var perRow = g.Flops / 2 / g.Batch / g.OutputHeight;
        var images = (int)Math.Clamp(ReferenceWork / (perRow * g.OutputHeight), 1, g.Batch);
        var rows = (int)Math.Clamp(ReferenceWork / perRow, g.KernelHeight, g.Height);
        return ConvolutionGeometry.Create(new Shape(images, images > 1 ? g.Height : rows, g.Width, g.InputChannels), g.Kernel,
            settings.Zeros, g.Stride);
    }

    private static void Print(ConvolutionFigures[] rows, ConvolutionGeometry geometry, Terminal terminal)
    {
        terminal.Results.WriteLine($"input {geometry.Input}, kernel {geometry.Kernel}, stride {geometry.Stride}, output {geometry.Output}: "
            + $"{geometry.Flops * 1e-9:F2} GFLOP");
        var table = new Table().Border(TableBorder.Simple);
        foreach (var name in new[] { "algorithm", "ms", "GFLOP/s", "of peak", "largest error", "workspace", "" })
            table.AddColumn(new TableColumn(name).NoWrap());
        foreach (var row in rows)
        {
            table.AddRow(row.Algorithm, Text(row.Milliseconds, "F2"), Text(row.Gflops, "F1"), Text(row.ShareOfPeak, "P0"),
                Text(row.LargestError, "0.0E+0"),
                $"{Text(row.WorkspaceBytes / 1048576.0, "F1")} MiB", row.Auto ? "auto" : "");
        }
        terminal.WriteTable(table, 5, 4);
    }

    private static string Text(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
