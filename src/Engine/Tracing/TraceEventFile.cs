using System.Globalization;
using System.Text.Json;

namespace Convolve.Engine.Tracing;

/// <summary>
/// Writes a trace in the Trace Event format (JSON), which ui.perfetto.dev and chrome://tracing open. One track is the device: kernels and
/// copies, with the layer that they belong to above them. Each thread of the host is a track: phases, and waits within them. The memory of
/// the device's pool is a curve.
/// </summary>
public static class TraceEventFile
{
    /// <summary>All tracks belong to one process.</summary>
    private const int Process = 1;

    private const int EventsBetweenFlushes = 1000;

    /// <summary>Writes the events that a trace has kept.</summary>
    /// <param name="trace">The trace. Stop the recording first: the latest launches are missing while the device computes.</param>
    /// <param name="title">The name of the process, such as the command.</param>
    /// <param name="target">The stream to write to, which stays open.</param>
    public static void Write(ExecutionTrace trace, string title, Stream target)
    {
        ArgumentNullException.ThrowIfNull(trace);
        var (events, threads) = trace.Snapshot();
        // On each track in order, an outer span before those within it.
        Array.Sort(events, (a, b) =>
            a.Track != b.Track ? a.Track.CompareTo(b.Track) : a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : b.End.CompareTo(a.End));
        using var json = new Utf8JsonWriter(target);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartObject("otherData");
        json.WriteString("device", trace.Device);
        json.WriteString("deviceTimes", trace.Source);
        json.WriteNumber("recordedEvents", trace.Recorded);
        json.WriteNumber("keptEvents", events.Length);
        json.WriteEndObject();
        json.WriteStartArray("traceEvents");
        Metadata(json, "process_name", 0, title);
        Metadata(json, "thread_name", TraceEvent.DeviceTrack, $"device: {trace.Device}");
        foreach (var (thread, name) in threads.OrderBy(thread => thread.Key)) Metadata(json, "thread_name", thread, name);
        for (var i = 0; i < events.Length; i++)
        {
            if (BeginsLayer(events, i)) WriteLayer(json, events, i);
            Write(json, events[i]);
            if (i % EventsBetweenFlushes == 0) json.Flush();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, string kind, int track, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", kind);
        json.WriteString("ph", "M");
        Place(json, track);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, in TraceEvent written)
    {
        json.WriteStartObject();
        json.WriteString("name", written.Name);
        Place(json, written.Track);
        Time(json, "ts", written.Begin);
        if (written.Kind == TraceKind.Memory)
        {
            json.WriteString("ph", "C");
            json.WriteStartObject("args");
            json.WriteNumber("bytes in use", written.Bytes);
            json.WriteNumber("bytes free in the pool", written.HeldBytes - written.Bytes);
            json.WriteEndObject();
        }
        else
        {
            json.WriteString("ph", "X");
            Time(json, "dur", written.End - written.Begin);
            json.WriteString("cat", CategoryOf(written.Kind));
            if (written.Kind is TraceKind.Launch or TraceKind.Copy) Arguments(json, written);
        }
        json.WriteEndObject();
    }

    private static void Arguments(Utf8JsonWriter json, in TraceEvent written)
    {
        json.WriteStartObject("args");
        if (written.Layer is not null)
        {
            json.WriteString("layer", written.Layer);
            json.WriteString("pass", PassOf(written));
        }
        json.WriteNumber("bytes", written.Bytes);
        json.WriteEndObject();
    }

    /// <summary>Whether an event on the device is the first of its layer after something else.</summary>
    private static bool BeginsLayer(TraceEvent[] events, int i) =>
        events[i] is { Kind: TraceKind.Launch or TraceKind.Copy, Layer: not null }
        && !(PreviousSpan(events, i) is { } before && SameLayer(before, events[i]));

    private static TraceEvent? PreviousSpan(TraceEvent[] events, int i)
    {
        while (--i >= 0)
            if (events[i].Kind != TraceKind.Memory) return events[i].Track == TraceEvent.DeviceTrack ? events[i] : null;
        return null;
    }

    /// <summary>A span from the first kernel of a layer to its last.</summary>
    private static void WriteLayer(Utf8JsonWriter json, TraceEvent[] events, int first)
    {
        var begin = events[first];
        var end = begin.End;
        for (var i = first + 1; i < events.Length && events[i].Track == TraceEvent.DeviceTrack; i++)
        {
            if (events[i].Kind == TraceKind.Memory) continue;
            if (!SameLayer(begin, events[i])) break;
            end = events[i].End;
        }
        json.WriteStartObject();
        json.WriteString("name", begin.Backward ? $"{begin.Layer}, backward" : begin.Layer);
        Place(json, begin.Track);
        Time(json, "ts", begin.Begin);
        json.WriteString("ph", "X");
        Time(json, "dur", end - begin.Begin);
        json.WriteString("cat", "layer");
        json.WriteEndObject();
    }

    private static bool SameLayer(in TraceEvent a, in TraceEvent b) => a.Layer == b.Layer && a.Backward == b.Backward;

    private static void Place(Utf8JsonWriter json, int track)
    {
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", track);
    }

    /// <summary>The format counts microseconds; fractions are allowed.</summary>
    private static void Time(Utf8JsonWriter json, string name, long nanoseconds) => json.WriteNumber(name, nanoseconds / 1000m);

    private static string PassOf(in TraceEvent written) => written.Backward ? "backward" : "forward";

    private static string CategoryOf(TraceKind kind) => kind.ToString().ToLower(CultureInfo.InvariantCulture);
}
