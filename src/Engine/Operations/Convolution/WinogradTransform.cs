using System.Runtime.CompilerServices;

namespace Convolve.Engine.Operations.Convolution;

/// <summary>
/// The one-dimensional transforms of Winograd's minimal filtering F(4,3) at the points 0, ±1, ±2, ∞: four outputs of a three-tap
/// filter from six inputs with six multiplications instead of twelve (Lavin and Gray, "Fast Algorithms for Convolutional Neural
/// Networks", 2015). Two dimensions are the same twice: first along the columns, then along the rows.
/// </summary>
/// <remarks>Straight-line code on structs of floats: what a compiler keeps in registers and turns into vector lanes.</remarks>
internal static class WinogradTransform
{
    /// <summary>Side of the output tile.</summary>
    public const int Outputs = 4;

    /// <summary>Side of the input tile, and of the transformed kernel.</summary>
    public const int Inputs = 6;

    /// <summary>Products per tile: one for each position of the transformed tile.</summary>
    public const int Positions = Inputs * Inputs;

    /// <summary>Bᵀ·d: six inputs to six factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Six Input(float a, float b, float c, float d, float e, float f)
    {
        var p = d - 4f * b;
        var q = e - 4f * c;
        var s = 2f * (d - b);
        var t = e - c;
        return new Six { A = 4f * a - 5f * c + e, B = q + p, C = q - p, D = t + s, E = t - s, F = 4f * b - 5f * d + f };
    }

    /// <summary>G·g: three taps to six factors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Six Kernel(float a, float b, float c)
    {
        var p = (a + c) * (-1f / 6f);
        var q = b * (1f / 6f);
        var s = a * (1f / 24f) + c * (1f / 6f);
        var t = b * (1f / 12f);
        return new Six { A = 0.25f * a, B = p - q, C = p + q, D = s + t, E = s - t, F = c };
    }

    /// <summary>Aᵀ·m: six products to four outputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Four Output(float a, float b, float c, float d, float e, float f)
    {
        var p = b + c;
        var q = b - c;
        var s = d + e;
        var t = d - e;
        return new Four { A = a + p + s, B = q + 2f * t, C = p + 4f * s, D = q + 8f * t + f };
    }

    internal struct Six
    {
        public float A, B, C, D, E, F;
    }

    internal struct Four
    {
        public float A, B, C, D;
    }
}
