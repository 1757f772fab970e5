using Convolve.Engine.Randomness;

namespace Convolve.Layers.Parameters;

/// <summary>Draws a parameter's initial values as a function of a key, so that the seed determines the network.</summary>
public abstract class Initializer
{
    /// <summary>Zeros, for biases.</summary>
    public static Initializer Zeros { get; } = new Constant(0);

    /// <summary>Ones, for scales and variances.</summary>
    public static Initializer Ones { get; } = new Constant(1);

    /// <summary>Uniform in ±√(6 / (fanIn + fanOut)) (Glorot and Bengio, 2010); Keras' default.</summary>
    public static Initializer GlorotUniform { get; } = new Uniform((fanIn, fanOut) => Math.Sqrt(6.0 / (fanIn + fanOut)));

    /// <summary>Uniform in ±√(6 / fanIn) (He et al., 2015); keeps the variance through ReLU.</summary>
    public static Initializer HeUniform { get; } = new Uniform((fanIn, _) => Math.Sqrt(6.0 / fanIn));

    /// <summary>Normal with variance 2 / fanIn (He et al., 2015).</summary>
    public static Initializer HeNormal { get; } = new Normal(fanIn => Math.Sqrt(2.0 / fanIn));

    /// <summary>Fills an array.</summary>
    /// <param name="values">Receives the values.</param>
    /// <param name="fanIn">Inputs of one output.</param>
    /// <param name="fanOut">Outputs of one input.</param>
    /// <param name="key">Selects the random values.</param>
    public abstract void Fill(Span<float> values, int fanIn, int fanOut, uint key);

    private sealed class Constant(float constant) : Initializer
    {
        public override void Fill(Span<float> values, int fanIn, int fanOut, uint key) => values.Fill(constant);
    }

    private sealed class Uniform(Func<int, int, double> limitOf) : Initializer
    {
        public override void Fill(Span<float> values, int fanIn, int fanOut, uint key)
        {
            var limit = (float)limitOf(fanIn, fanOut);
            for (var i = 0; i < values.Length; i++) values[i] = (2 * CounterRandom.Uniform(key, (uint)i) - 1) * limit;
        }
    }

    private sealed class Normal(Func<int, double> deviationOf) : Initializer
    {
        /// <summary>The Box–Muller transform of two uniform numbers.</summary>
        public override void Fill(Span<float> values, int fanIn, int fanOut, uint key)
        {
            var deviation = deviationOf(fanIn);
            for (var i = 0; i < values.Length; i++)
            {
                var radius = Math.Sqrt(-2 * Math.Log(1 - CounterRandom.Uniform(key, (uint)(2 * i))));
                values[i] = (float)(deviation * radius * Math.Cos(2 * Math.PI * CounterRandom.Uniform(key, (uint)(2 * i + 1))));
            }
        }
    }
}
