using System.Numerics;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// The definition of the convolution (in deep learning's sense, a cross-correlation) and of its gradients, in plain loops and
/// double precision.
/// </summary>
public static class ConvolutionReference
{
    /// <summary>y[n,oh,ow,k] = b[k] + Σ x[n, oh·s+kh−pt, ow·s+kw−pl, c] · w[kh,kw,c,k].</summary>
    public static double[] Forward(ConvolutionGeometry g, double[] input, double[] kernel, double[]? bias = null)
    {
        var output = new double[g.Output.Length];
        // Output lines in parallel, channels vectorized, because whole networks also use this. The order of every sum is fixed.
        Parallel.For(0, g.Batch * g.OutputHeight, line =>
        {
            var (n, oh) = (line / g.OutputHeight, line % g.OutputHeight);
            for (var ow = 0; ow < g.OutputWidth; ow++)
            {
                var sums = output.AsSpan((line * g.OutputWidth + ow) * g.OutputChannels, g.OutputChannels);
                bias?.CopyTo(sums);
                for (var kh = 0; kh < g.KernelHeight; kh++)
                    for (var kw = 0; kw < g.KernelWidth; kw++)
                    {
                        var h = oh * g.Stride + kh - g.PaddingTop;
                        var w = ow * g.Stride + kw - g.PaddingLeft;
                        if (h < 0 || h >= g.Height || w < 0 || w >= g.Width) continue;
                        var x = ((n * g.Height + h) * g.Width + w) * g.InputChannels;
                        var tap = (kh * g.KernelWidth + kw) * g.InputChannels;
                        for (var c = 0; c < g.InputChannels; c++)
                            AddScaled(sums, kernel.AsSpan((tap + c) * g.OutputChannels, g.OutputChannels), input[x + c]);
                    }
            }
        });
        return output;
    }

    /// <summary>∂L/∂x: every term contributes its upstream gradient times its weight.</summary>
    public static double[] GradInput(ConvolutionGeometry g, double[] upstream, double[] kernel)
    {
        var gradient = new double[g.Input.Length];
        ForEachTerm(g, (x, w, y) => gradient[x] += upstream[y] * kernel[w]);
        return gradient;
    }

    /// <summary>∂L/∂w: every term contributes its upstream gradient times its input.</summary>
    public static double[] GradKernel(ConvolutionGeometry g, double[] upstream, double[] input)
    {
        var gradient = new double[g.Kernel.Length];
        ForEachTerm(g, (x, w, y) => gradient[w] += upstream[y] * input[x]);
        return gradient;
    }

    /// <summary>sums += factor · terms.</summary>
    private static void AddScaled(Span<double> sums, ReadOnlySpan<double> terms, double factor)
    {
        var i = 0;
        for (; i <= sums.Length - Vector<double>.Count; i += Vector<double>.Count)
            (new Vector<double>(sums[i..]) + new Vector<double>(terms[i..]) * factor).CopyTo(sums[i..]);
        for (; i < sums.Length; i++) sums[i] += terms[i] * factor;
    }

    /// <summary>Visits every product of the sum with the flat indices of its input, its weight and its output.</summary>
    private static void ForEachTerm(ConvolutionGeometry g, Action<int, int, int> visit)
    {
        for (var n = 0; n < g.Batch; n++)
            for (var oh = 0; oh < g.OutputHeight; oh++)
                for (var ow = 0; ow < g.OutputWidth; ow++)
                    for (var kh = 0; kh < g.KernelHeight; kh++)
                        for (var kw = 0; kw < g.KernelWidth; kw++)
                        {
                            var h = oh * g.Stride + kh - g.PaddingTop;
                            var w = ow * g.Stride + kw - g.PaddingLeft;
                            if (h < 0 || h >= g.Height || w < 0 || w >= g.Width) continue;
                            for (var c = 0; c < g.InputChannels; c++)
                                for (var k = 0; k < g.OutputChannels; k++)
                                    visit(((n * g.Height + h) * g.Width + w) * g.InputChannels + c,
                                        ((kh * g.KernelWidth + kw) * g.InputChannels + c) * g.OutputChannels + k,
                                        ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.OutputChannels + k);
                        }
    }
}
