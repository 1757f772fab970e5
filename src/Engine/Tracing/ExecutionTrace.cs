namespace Convolve.Engine.Tracing;

/// <summary>
/// A recording of where the time goes: every launch and copy of a device, the host's waits and phases, and the memory of the device's pool.
/// A device records into it from <see cref="Devices.Device.StartTrace"/> on. It keeps the latest events, in memory that is taken once, so
/// recording neither allocates nor grows.
/// </summary>
/// <remarks>Thread-safe. Phases and layers belong to the thread that begins them, and end in reverse order.</remarks>
public sealed class ExecutionTrace
{
    /// <summary>Events that a trace keeps if nothing else is said: some thousands of training steps, a file of about 80 MB.</summary>
    public const int DefaultCapacity = 1 << 19;

    [ThreadStatic]
    private static LayerPass current;

    private readonly Lock gate = new();
    private readonly TraceEvent[] ring;
    private readonly Dictionary<int, string> threads = [];
    private readonly long origin = HostClock.Nanoseconds;
    private readonly int firstThread = Environment.CurrentManagedThreadId;
    private long launchNanoseconds;

    /// <summary>Takes the memory of a recording.</summary>
    /// <param name="capacity">Events to keep; later ones replace the oldest.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is room for none.</exception>
    public ExecutionTrace(int capacity = DefaultCapacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ring = new TraceEvent[capacity];
    }

    /// <summary>Events recorded so far.</summary>
    public long Recorded { get; private set; }

    /// <summary>Events kept: the latest of those recorded.</summary>
    public int Kept => (int)Math.Min(Recorded, ring.Length);

    /// <summary>Launches recorded so far.</summary>
    public long Launches { get; private set; }

    /// <summary>The sum of the times of these launches. Those of work that is still running are missing.</summary>
    public TimeSpan LaunchTime => TimeSpan.FromMicroseconds(launchNanoseconds / 1e3);

    /// <summary>The device that records here; null before there is one.</summary>
    public string? Device { get; private set; }

    /// <summary>Where the device's times come from, in words; null before there is one. All others are the host's.</summary>
    public string? Source { get; private set; }

    /// <summary>The layer that the calling thread computes; null outside of layers.</summary>
    internal static LayerPass Current => current;

    /// <summary>When the trace began, on the host's clock.</summary>
    internal long Origin => origin;

    /// <summary>Nanoseconds since the trace began.</summary>
    internal long Now => HostClock.Nanoseconds - origin;

    /// <summary>Begins a phase of the host's work on this thread; disposing the result ends it.</summary>
    /// <param name="name">Its name, such as <c>forward</c>.</param>
    public PhaseSpan Phase(string name) => new(this, TraceKind.Phase, name, Now, 0);

    /// <summary>Launches of this thread belong to a layer until the result is disposed.</summary>
    /// <param name="name">The layer's name.</param>
    public LayerSpan Layer(string name) => Enter(new LayerPass(name, false));

    /// <summary>Launches of this thread belong to the backward pass of a layer until the result is disposed.</summary>
    /// <param name="pass">The layer, as its forward pass ran in it.</param>
    internal LayerSpan Backward(LayerPass pass) => Enter(pass with { IsBackward = pass.Name is not null });

    /// <summary>Begins a wait for the device.</summary>
    internal PhaseSpan Wait(string name) => new(this, TraceKind.Wait, name, Now, 0);

    /// <summary>Begins a copy that the host makes or waits for from its beginning to its end.</summary>
    internal PhaseSpan Copy(string name, long bytes) => new(this, TraceKind.Copy, name, Now, bytes);

    /// <summary>Records the memory of a pool.</summary>
    internal void Memory(long used, long held)
    {
        var now = Now;
        Add(new TraceEvent(TraceKind.Memory, TraceEvent.DeviceTrack, "device memory", null, false, now, now, used, held));
    }

    /// <summary>Records the end of a phase, a wait or a copy of this thread.</summary>
    internal void End(TraceKind kind, string name, long begin, long bytes) =>
        Add(new TraceEvent(kind, Environment.CurrentManagedThreadId, name, null, false, begin, Now, bytes, 0));

    /// <summary>Records an event.</summary>
    internal void Add(in TraceEvent recorded)
    {
        lock (gate)
        {
            ring[Recorded++ % ring.Length] = recorded;
            if (recorded.Kind == TraceKind.Launch)
            {
                Launches++;
                launchNanoseconds += recorded.End - recorded.Begin;
            }
            else if (recorded.Track != TraceEvent.DeviceTrack && !threads.ContainsKey(recorded.Track))
            {
                threads.Add(recorded.Track, recorded.Track == firstThread ? "main thread" : $"thread {recorded.Track}");
            }
        }
    }

    /// <summary>Names the device that records here, and its clock.</summary>
    internal void From(string device, string source) => (Device, Source) = (device, source);

    /// <summary>The events kept, and the names of the tracks of threads.</summary>
    internal (TraceEvent[] Events, IReadOnlyDictionary<int, string> Threads) Snapshot()
    {
        lock (gate) return (ring[..Kept], new Dictionary<int, string>(threads));
    }

    private static LayerSpan Enter(LayerPass pass)
    {
        var span = new LayerSpan(current);
        current = pass;
        return span;
    }

    /// <summary>Gives a thread its layer back.</summary>
    internal static void Leave(LayerPass before) => current = before;
}

/// <summary>A layer in one direction.</summary>
/// <param name="Name">The layer; null for none.</param>
/// <param name="IsBackward">Whether in its backward pass.</param>
internal readonly record struct LayerPass(string? Name, bool IsBackward);

/// <summary>A phase of the host's work, a wait or a copy, until it is disposed.</summary>
public readonly struct PhaseSpan : IDisposable
{
    private readonly ExecutionTrace trace;
    private readonly TraceKind kind;
    private readonly string name;
    private readonly long begin, bytes;

    internal PhaseSpan(ExecutionTrace trace, TraceKind kind, string name, long begin, long bytes)
    {
        this.trace = trace;
        this.kind = kind;
        this.name = name;
        this.begin = begin;
        this.bytes = bytes;
    }

    /// <inheritdoc/>
    public void Dispose() => trace.End(kind, name, begin, bytes);
}

/// <summary>Launches of a thread belong to a layer until this is disposed.</summary>
public readonly struct LayerSpan : IDisposable
{
    private readonly LayerPass before;

    internal LayerSpan(LayerPass before) => this.before = before;

    /// <inheritdoc/>
    public void Dispose() => ExecutionTrace.Leave(before);
}
