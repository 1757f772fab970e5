namespace Convolve.Engine.Operations.Pooling;

/// <summary>The definition of max and average pooling and of their gradients, in plain loops and double precision.</summary>
public static class PoolingReference
{
    /// <summary>The largest value of each window.</summary>
    public static double[] Max(PoolingGeometry g, double[] input)
    {
        var winners = Winners(g, input);
        return Array.ConvertAll(winners, i => input[i]);
    }

    /// <summary>Each window's upstream gradient goes to its first largest value, in row-major order.</summary>
    public static double[] MaxGradient(PoolingGeometry g, double[] upstream, double[] input)
    {
        var gradient = new double[g.Input.Length];
        var winners = Winners(g, input);
        for (var i = 0; i < winners.Length; i++) gradient[winners[i]] += upstream[i];
        return gradient;
    }

    /// <summary>The mean of each window.</summary>
    public static double[] Average(PoolingGeometry g, double[] input)
    {
        var output = new double[g.Output.Length];
        ForEachPair(g, (x, y) => output[y] += input[x] / (g.WindowHeight * g.WindowWidth));
        return output;
    }

    /// <summary>Each window's upstream gradient is divided evenly.</summary>
    public static double[] AverageGradient(PoolingGeometry g, double[] upstream)
    {
        var gradient = new double[g.Input.Length];
        ForEachPair(g, (x, y) => gradient[x] += upstream[y] / (g.WindowHeight * g.WindowWidth));
        return gradient;
    }

    /// <summary>The index in the input of each window's largest value, the first of several in row-major order: one for each
    /// output.</summary>
    public static int[] Winners(PoolingGeometry g, double[] input)
    {
        var winners = new int[g.Output.Length];
        Array.Fill(winners, -1);
        ForEachPair(g, (x, y) =>
        {
            if (winners[y] < 0 || input[x] > input[winners[y]]) winners[y] = x;
        });
        return winners;
    }

    /// <summary>Visits every input under every window, window by window in row-major order.</summary>
    private static void ForEachPair(PoolingGeometry g, Action<int, int> visit)
    {
        for (var n = 0; n < g.Batch; n++)
            for (var oh = 0; oh < g.OutputHeight; oh++)
                for (var ow = 0; ow < g.OutputWidth; ow++)
                    for (var c = 0; c < g.Channels; c++)
                        for (var i = 0; i < g.WindowHeight; i++)
                            for (var j = 0; j < g.WindowWidth; j++)
                                visit(((n * g.Height + oh * g.Stride + i) * g.Width + ow * g.Stride + j) * g.Channels + c,
                                    ((n * g.OutputHeight + oh) * g.OutputWidth + ow) * g.Channels + c);
    }
}
