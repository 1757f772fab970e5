using System.CommandLine;
using System.Globalization;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

internal sealed class CompareConvolutionCommand : Command
{
    private readonly Option<int?> batch = CheckedOption.Whole("--batch", "images (4)", 1, 65_536);
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "rows and columns of the input (75)", 1, 4096);
    private readonly Option<int?> channels = CheckedOption.Whole("--channels", "input channels (128)", 1, 65_536);
    private readonly Option<int?> filters = CheckedOption.Whole("--filters", "output channels (128)", 1, 65_536);
    private readonly Option<int?> kernel = CheckedOption.Whole("--kernel", "side of the kernel (3)", 1, 64);
    private readonly Option<int?> stride = CheckedOption.Whole("--stride", "step of the kernel (1)", 1, 64);
    private readonly Option<string?> padding = CheckedOption.Text("--padding", "valid|same|N", "zeros around the image (same)", "valid, same or a number of pixels");
    private readonly Option<string?> pass = CheckedOption.OneOf("--pass", "what to compute (forward)", ["forward", "input-gradient", "kernel-gradient"]);
    private readonly Option<int?> runs = CheckedOption.Whole("--runs", "runs per algorithm, the fastest counts (5)", 1, 1000);
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<bool> json = SharedOption.Json();

    public CompareConvolutionCommand(Terminal terminal) : base("conv", "every algorithm of a convolution: time, share of peak, error, workspace")
    {
        foreach (Option option in new Option[] { batch, pixels, channels, filters, kernel, stride, padding, pass, runs, device, json }) Add(option);
        SetAction((result, cancellation) => ConvolutionComparison.RunAsync(Read(result), terminal, cancellation));
    }

    /// <exception cref="UserError">The sizes do not fit each other, or are too large.</exception>
    private ConvolutionComparisonSettings Read(ParseResult result)
    {
        Padding zeros = PaddingOf(result.GetValue(padding) ?? "same");
        int side = result.GetValue(pixels) ?? 75, inputs = result.GetValue(channels) ?? 128, taps = result.GetValue(kernel) ?? 3;
        try
        {
            var geometry = ConvolutionGeometry.Create(new Shape(result.GetValue(batch) ?? 4, side, side, inputs),
                new Shape(taps, taps, inputs, result.GetValue(filters) ?? 128), zeros, result.GetValue(stride) ?? 1);
            // Made here, so that a shape that is too large is refused before a device is opened.
            _ = geometry.Output;
            return new ConvolutionComparisonSettings(geometry, zeros, PassOf(result.GetValue(pass)), result.GetValue(runs) ?? 5,
                result.GetValue(device) ?? SharedOption.DefaultDevice, result.GetValue(json));
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new UserError($"kernels compare {e.Message}", e);
        }
    }

    private static Padding PaddingOf(string text) => text.ToLowerInvariant() switch
    {
        "valid" => Padding.Valid,
        "same" => Padding.Same,
        _ when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int amount) && amount <= 64 => Padding.Of(amount),
        _ => throw new UserError($"--padding: '{text}' is not allowed; give valid, same or a number of pixels up to 64"),
    };

    private static ConvolutionPass PassOf(string? text) => text switch
    {
        "input-gradient" => ConvolutionPass.GradInput,
        "kernel-gradient" => ConvolutionPass.GradKernel,
        _ => ConvolutionPass.Forward,
    };
}
