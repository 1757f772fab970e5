using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Operations.Optimizer;

/// <summary>A parameter among many in one buffer, with the settings of its update.</summary>
/// <param name="Weights">Start of its values in the buffer of weights; a multiple of 4, because GPUs move four floats at a time.</param>
/// <param name="Gradient">Start of its gradient in the buffer of gradients, and of its state in those of the optimizer; a multiple of
/// 4.</param>
/// <param name="Length">Numbers in it.</param>
/// <param name="Rate">Its own factor on the learning rate.</param>
/// <param name="L1">λ₁ of its penalty λ₁·Σ|w|.</param>
/// <param name="L2">λ₂ of its penalty λ₂·Σw².</param>
/// <param name="Decay">λ of its decay: a step also subtracts η·λ·w.</param>
public readonly record struct UpdateRow(int Weights, int Gradient, int Length, float Rate = 1, float L1 = 0, float L2 = 0, float Decay = 0);

/// <summary>
/// The parameters that one launch updates, split into pieces, one per work item, in device memory: for any number of parameters,
/// an optimizer's step is one launch without copies from the host.
/// </summary>
public sealed class UpdateTable : IDisposable
{
    /// <summary>Most numbers per piece: 32 KiB of each buffer, small enough to distribute evenly.</summary>
    private const int PieceLength = 8192;

    private readonly DeviceBuffer buffer;
    private readonly int floats;
    private readonly long weightsEnd, gradientsEnd;
    private bool disposed;

    /// <summary>Creates the table of some parameters on a device.</summary>
    /// <exception cref="ArgumentException">There are none, or one has a negative length, or a start that is negative or not a multiple of
    /// 4.</exception>
    public UpdateTable(Device device, params IEnumerable<UpdateRow> rows)
    {
        var pieces = new List<UpdatePiece>();
        foreach (var row in rows)
        {
            if (((row.Weights | row.Gradient) & 3) != 0)
                throw new ArgumentException(
                    $"update: weights at {row.Weights} and gradient at {row.Gradient} must begin at multiples of 4 (16 bytes)");
            if (row.Weights < 0 || row.Gradient < 0 || row.Length < 0)
                throw new ArgumentException(
                    $"update: {row.Length} weights at {row.Weights} with a gradient at {row.Gradient}: none of them may be negative");
            weightsEnd = Math.Max(weightsEnd, (long)row.Weights + row.Length);
            gradientsEnd = Math.Max(gradientsEnd, (long)row.Gradient + row.Length);
            for (var begin = 0; begin < row.Length; begin += PieceLength)
                pieces.Add(new UpdatePiece
                {
                    Weights = row.Weights + begin,
                    Gradient = row.Gradient + begin,
                    Length = Math.Min(PieceLength, row.Length - begin),
                    Rate = row.Rate,
                    L1 = row.L1,
                    L2 = row.L2,
                    Decay = row.Decay,
                });
        }
        if (pieces.Count == 0) throw new ArgumentException("update: there is no parameter to update");
        Device = device;
        Pieces = pieces.Count;
        floats = Pieces * UpdatePiece.Floats;
        buffer = device.Pool.Rent(floats, lasting: true);
        device.CopyToDevice<UpdatePiece>(CollectionsMarshal.AsSpan(pieces), View);
    }

    internal Device Device { get; }

    /// <summary>Pieces, each a group of threads.</summary>
    internal int Pieces { get; }

    internal ArrayView<UpdatePiece> View => buffer.View(floats).Cast<UpdatePiece>();

    /// <summary>One group per piece: a single work item on a CPU, many threads on a GPU.</summary>
    internal GroupGrid Grid => new(Pieces, Threads: Device.Shape == KernelShape.Cpu ? 1 : GridStride.GroupSize);

    /// <summary>Checks that every row is inside its buffers.</summary>
    /// <param name="weights">The buffer of weights.</param>
    /// <param name="byGradient">Buffers laid out like the gradients.</param>
    /// <exception cref="ArgumentException">One does.</exception>
    internal void RequireInside(Tensor weights, params ReadOnlySpan<Tensor> byGradient)
    {
        if (weights.Shape.Length < weightsEnd)
            throw new ArgumentException($"update: the table reaches to weight {weightsEnd}, but the weights are {weights.Shape}");
        foreach (var tensor in byGradient)
            if (tensor.Shape.Length < gradientsEnd)
                throw new ArgumentException(
                    $"update: the table reaches to gradient {gradientsEnd}, but gradients or optimizer state are {tensor.Shape}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        buffer.Release();
    }
}

/// <summary>A part of a parameter: see <see cref="UpdateRow"/>.</summary>
internal struct UpdatePiece
{
    /// <summary>The size of this struct.</summary>
    public const int Floats = 7;

    public int Weights, Gradient, Length;

    public float Rate, L1, L2, Decay;

    /// <summary>The gradient with the penalty's: g + λ₁·sign(w) + 2λ₂·w, with sign(0) = 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T Penalized<T>(T gradient, T weight)
        where T : struct, ILanes<T> => gradient + (T.Map<Sign>(weight) * L1 + weight * (2f * L2));

    /// <summary>
    /// A weight after decay, independent of its gradient: w − η·λ·w (Loshchilov and Hutter, 2017: decoupled, so that rules that divide by
    /// the size of past gradients decay all weights alike).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly T Decayed<T>(T weight, float learningRate)
        where T : struct, ILanes<T> => weight - weight * (learningRate * Rate * Decay);

    private readonly struct Sign : IFunctionOfOne
    {
        public static float Invoke(float x) => x > 0 ? 1f : x < 0 ? -1f : 0f;
    }
}

/// <summary>CPU variant: one work item updates a piece.</summary>
internal readonly struct PiecePerItem : IWorkShape
{
    public static int First => 0;

    public static int Step => 1;

    public static int End(int length) => length;

    public static bool InFours => false;

    public static int Rest(int fours) => First;
}

/// <summary>GPU variant: the threads of a group share a piece.</summary>
internal readonly struct PiecePerGroup : IWorkShape
{
    public static int First => Group.IdxX;

    public static int Step => Group.DimX;

    public static int End(int length) => length;

    public static bool InFours => true;

    public static int Rest(int fours) => fours * 4 + First;
}
