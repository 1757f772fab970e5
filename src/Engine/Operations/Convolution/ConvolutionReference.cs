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
        if (bias is not null)
            for (var i = 0; i < output.Length; i++) output[i] = bias[i % g.OutputChannels];
        ForEachTerm(g, (x, w, y) => output[y] += input[x] * kernel[w]);
        return output;
    }

    /// <summary>∂L/∂x: every term of the sum hands its upstream gradient back, times its weight.</summary>
    public static double[] GradInput(ConvolutionGeometry g, double[] upstream, double[] kernel)
    {
        var gradient = new double[g.Input.Length];
        ForEachTerm(g, (x, w, y) => gradient[x] += upstream[y] * kernel[w]);
        return gradient;
    }

    /// <summary>∂L/∂w: every term of the sum hands its upstream gradient back, times its input.</summary>
    public static double[] GradKernel(ConvolutionGeometry g, double[] upstream, double[] input)
    {
        var gradient = new double[g.Kernel.Length];
        ForEachTerm(g, (x, w, y) => gradient[w] += upstream[y] * input[x]);
        return gradient;
    }

    /// <summary>∂L/∂b: the upstream gradient, summed over images and positions.</summary>
    public static double[] GradBias(ConvolutionGeometry g, double[] upstream)
    {
        var gradient = new double[g.OutputChannels];
        for (var i = 0; i < upstream.Length; i++) gradient[i % g.OutputChannels] += upstream[i];
        return gradient;
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
