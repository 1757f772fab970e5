using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// The arithmetic of a prediction's stages in double precision, rounded to single at the end of each: what <c>explorer.js</c> does in the
/// same order, and so to the same bit. A page that repeats a stage needs only the small differences of the engine's numbers.
/// </summary>
internal static class RepeatedArithmetic
{
    /// <summary>Multiplications, or comparisons, for one image; null if the page does not repeat such a stage.</summary>
    public static long? Products(PredictionStage stage) => stage.Layer switch
    {
        Conv2D { Geometry: var g } => (long)stage.OutputShape.Length * g.KernelHeight * g.KernelWidth * stage.Layer.InputShape[2],
        MaxPooling2D { Geometry: var g } => (long)stage.OutputShape.Length * g.WindowHeight * g.WindowWidth,
        GlobalAveragePooling2D => stage.Layer.InputShape.Length,
        Dense => (long)stage.OutputShape.Length * stage.Layer.InputShape.Length,
        _ => null,
    };

    /// <summary>The stage's output for one image, [H,W,K] or [K].</summary>
    /// <param name="stage">A stage with <see cref="Products"/>.</param>
    /// <param name="input">What goes in, [H,W,C] or [in].</param>
    /// <param name="kernels">[K,KH,KW,C] or [K,in]; empty without weights.</param>
    /// <param name="biases">[K]; empty without weights.</param>
    public static float[] Of(PredictionStage stage, float[] input, float[] kernels, float[] biases)
    {
        var output = new float[stage.OutputShape.Length];
        switch (stage.Layer)
        {
            case Conv2D: Convolve(stage, input, kernels, biases, output); break;
            case MaxPooling2D: Maximum(stage, input, output); break;
            case GlobalAveragePooling2D: Mean(stage.Layer.InputShape, input, output); break;
            case Dense: Multiply(stage.Relu, input, kernels, biases, output); break;
            default: throw new ArgumentException($"explorer: {stage.Name} is not repeated", nameof(stage));
        }
        return output;
    }

    private static float Rounded(double sum, bool relu) => (float)(relu ? Math.Max(0, sum) : sum);

    private static void Convolve(PredictionStage stage, float[] input, float[] kernels, float[] biases, float[] output)
    {
        var g = ((Conv2D)stage.Layer).Geometry;
        Shape from = stage.Layer.InputShape, to = stage.OutputShape;
        int height = from[0], width = from[1], channels = from[2], columns = to[1], count = to[2];
        Parallel.For(0, to[0], row =>
        {
            for (var column = 0; column < columns; column++)
                for (var k = 0; k < count; k++)
                {
                    double sum = biases[k];
                    for (var i = 0; i < g.KernelHeight; i++)
                        for (var j = 0; j < g.KernelWidth; j++)
                        {
                            int y = row * g.Stride + i - g.PaddingTop, x = column * g.Stride + j - g.PaddingLeft;
                            if (y < 0 || x < 0 || y >= height || x >= width) continue;
                            ReadOnlySpan<float> values = input.AsSpan((y * width + x) * channels, channels);
                            ReadOnlySpan<float> weights =
                                kernels.AsSpan(((k * g.KernelHeight + i) * g.KernelWidth + j) * channels, channels);
                            for (var c = 0; c < values.Length; c++) sum += (double)values[c] * weights[c];
                        }
                    output[(row * columns + column) * count + k] = Rounded(sum, stage.Relu);
                }
        });
    }

    private static void Maximum(PredictionStage stage, float[] input, float[] output)
    {
        var g = ((MaxPooling2D)stage.Layer).Geometry;
        Shape from = stage.Layer.InputShape, to = stage.OutputShape;
        for (var row = 0; row < to[0]; row++)
            for (var column = 0; column < to[1]; column++)
                for (var k = 0; k < to[2]; k++)
                {
                    var largest = float.NegativeInfinity;
                    for (var i = 0; i < g.WindowHeight; i++)
                        for (var j = 0; j < g.WindowWidth; j++)
                            largest = Math.Max(largest, input[((row * g.Stride + i) * from[1] + column * g.Stride + j) * to[2] + k]);
                    output[(row * to[1] + column) * to[2] + k] = largest;
                }
    }

    private static void Mean(Shape from, float[] input, float[] output)
    {
        for (var k = 0; k < output.Length; k++)
        {
            double sum = 0;
            for (var i = k; i < input.Length; i += from[2]) sum += input[i];
            output[k] = (float)(sum / (from[0] * from[1]));
        }
    }

    private static void Multiply(bool relu, float[] input, float[] kernels, float[] biases, float[] output)
    {
        for (var k = 0; k < output.Length; k++)
        {
            double sum = biases[k];
            for (var i = 0; i < input.Length; i++) sum += (double)input[i] * kernels[k * input.Length + i];
            output[k] = Rounded(sum, relu);
        }
    }
}
