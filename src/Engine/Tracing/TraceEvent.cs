namespace Convolve.Engine.Tracing;

/// <summary>What an event of a trace shows.</summary>
internal enum TraceKind : byte
{
    /// <summary>A kernel on the device.</summary>
    Launch,

    /// <summary>A copy on the device.</summary>
    Copy,

    /// <summary>The host waits for the device.</summary>
    Wait,

    /// <summary>A phase of the host's work.</summary>
    Phase,

    /// <summary>The memory of the device's pool from here on.</summary>
    Memory,
}

/// <summary>An event of a trace. Times are nanoseconds of the host's clock since the trace began.</summary>
/// <param name="Kind">What it shows.</param>
/// <param name="Track">The thread of the host, or <see cref="DeviceTrack"/>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Layer">The layer that a launch computes; null outside of layers.</param>
/// <param name="Backward">Whether the launch belongs to the layer's backward pass.</param>
/// <param name="Begin">Its start.</param>
/// <param name="End">Its end.</param>
/// <param name="Bytes">A launch: the size of the arrays among its arguments. A copy: what it moves. Memory: bytes in use.</param>
/// <param name="HeldBytes">Memory: bytes that the pool holds, in use or free.</param>
internal readonly record struct TraceEvent(
    TraceKind Kind, int Track, string Name, string? Layer, bool Backward, long Begin, long End, long Bytes, long HeldBytes)
{
    /// <summary>The track of the device's stream; threads have positive numbers.</summary>
    public const int DeviceTrack = 0;
}
