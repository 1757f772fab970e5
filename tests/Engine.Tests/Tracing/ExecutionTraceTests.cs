using System.Text.Json.Nodes;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests.Kernels;
using Convolve.Engine.Tracing;

namespace Convolve.Engine.Tests.Tracing;

/// <summary>What a device records, whatever its clock.</summary>
public abstract class DeviceTraceTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const int Items = 3000;

    [SkippableFact]
    public void EveryLaunchHasItsNameItsBytesAndATimeWithinTheRecording()
    {
        using var input = Upload(new Shape(Items), RandomCases.Values(1, 0, Items));
        using var output = Prefilled(new Shape(Items));
        var trace = new ExecutionTrace(100);
        var launches = Device.Launches;
        using (Device.StartTrace(trace))
        {
            Square(input, output);
            using var tape = new Tape(Device, recording: false);
            ActivationOperation.Relu(tape, input);
            Square(input, output);
        }
        var end = trace.Now;
        Assert.Equal(Device.Launches - launches, trace.Launches);
        var events = Launches(trace);
        Assert.Equal(["SquareForward", "relu-forward", "SquareForward"], events.Select(e => e.Name));
        Assert.Equal(2 * Items * sizeof(float), events[0].Bytes);
        Assert.All(events, e => Assert.True(0 <= e.Begin && e.Begin <= e.End && e.End <= end, e.ToString()));
        Assert.Equal(events.Sum(e => e.End - e.Begin) / 100, trace.LaunchTime.Ticks, 2.0);
    }

    [SkippableFact]
    public void SpansOnTheDeviceFollowEachOther()
    {
        using var input = Upload(new Shape(Items), RandomCases.Values(1, 0, Items));
        using var output = Prefilled(new Shape(Items));
        var trace = new ExecutionTrace(1000);
        using (Device.StartTrace(trace))
            for (var i = 0; i < 50; i++)
            {
                Square(input, output);
                if (i % 10 == 0) output.ToArray();
            }
        var spans = trace.Snapshot().Events.Where(e => e is { Track: TraceEvent.DeviceTrack, Kind: not TraceKind.Memory }).ToArray();
        Assert.Equal(55, spans.Length);
        foreach (var (before, after) in spans.Zip(spans.Skip(1))) Assert.True(before.End <= after.Begin, $"{before}, then {after}");
    }

    [SkippableFact]
    public void CopiesAndWaitsAreRecorded()
    {
        using var tensor = Prefilled(new Shape(7));
        var trace = new ExecutionTrace(100);
        using (Device.StartTrace(trace))
        {
            tensor.CopyFrom(new float[7]);
            tensor.ToArray();
        }
        var events = trace.Snapshot().Events;
        Assert.Equal([("copy to device", 28), ("copy to host", 28)],
            events.Where(e => e.Kind == TraceKind.Copy).Select(e => (e.Name, e.Bytes)));
        Assert.Equal(["wait for copy to device", "wait for copy to host", "wait for kernels"],
            events.Where(e => e.Kind == TraceKind.Wait).Select(e => e.Name));
    }

    [SkippableFact]
    public void ABackwardLaunchBelongsToTheLayerOfItsForwardPass()
    {
        using var input = Leaf(new Shape(Items), RandomCases.Values(1, 0, Items));
        var trace = new ExecutionTrace(100);
        using (Device.StartTrace(trace))
        {
            using var tape = new Tape(Device);
            Tensor first, second;
            using (trace.Layer("first")) first = ActivationOperation.Relu(tape, input);
            using (trace.Layer("second")) second = ActivationOperation.Sigmoid(tape, first);
            using var upstream = Prefilled(input.Shape, 1);
            tape.Backward(second, upstream);
        }
        var inLayers = Launches(trace).Where(e => e.Layer is not null).Select(e => (e.Layer, e.Backward)).Distinct();
        Assert.Equal([("first", false), ("second", false), ("second", true), ("first", true)], inLayers);
    }

    [SkippableFact]
    public void MemoryIsRecordedWheneverItChanges()
    {
        var trace = new ExecutionTrace(100);
        using (Device.StartTrace(trace))
        {
            var tensor = Tensor.Uninitialized(Device, new Shape(Items));
            tensor.Dispose();
        }
        var memory = trace.Snapshot().Events.Where(e => e.Kind == TraceKind.Memory).ToArray();
        Assert.Equal(3, memory.Length);
        Assert.Equal((memory[0].Bytes, true), (memory[2].Bytes, memory[1].Bytes >= memory[0].Bytes + Items * sizeof(float)));
        Assert.All(memory, e => Assert.InRange(e.Bytes, 0, e.HeldBytes));
    }

    [SkippableFact]
    public void ARecordingEndsWhereItIsDisposed()
    {
        using var tensor = Prefilled(new Shape(Items));
        var trace = new ExecutionTrace(100);
        var recording = Device.StartTrace(trace);
        Assert.Same(trace, Device.Trace);
        Assert.Throws<InvalidOperationException>(() => Device.StartTrace(new ExecutionTrace(1)));
        recording.Dispose();
        var recorded = trace.Recorded;
        recording.Dispose();
        Square(tensor, tensor);
        tensor.ToArray();
        Assert.Null(Device.Trace);
        Assert.Equal(recorded, trace.Recorded);
    }

    [SkippableFact]
    public void ADryRunCannotBeRecorded()
    {
        using var dry = Device.WithoutMemory();
        Assert.Throws<InvalidOperationException>(() => dry.StartTrace(new ExecutionTrace(1)));
    }

    private protected static TraceEvent[] Launches(ExecutionTrace trace) =>
        [.. trace.Snapshot().Events.Where(e => e.Kind == TraceKind.Launch).OrderBy(e => e.Begin)];

    private protected void Square(Tensor input, Tensor output) =>
        Device.Launch(input.Shape.Length, new SquareForward { Input = input.Values, Output = output.Values });
}

[Collection(OnOpenCl.Name)]
public sealed class DeviceTraceTestsOnOpenCl(OpenClDevice opened) : DeviceTraceTests(opened)
{
    /// <summary>Both without a trace and, once the kernel is known to it, with one.</summary>
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALaunchAllocatesNothing(bool recorded)
    {
        using var tensor = Prefilled(new Shape(16));
        using var recording = recorded ? Device.StartTrace(new ExecutionTrace(1000)) : null;
        // What is created once, such as the kernel's name, is created by the first launches.
        LaunchHundred();
        var before = GC.GetAllocatedBytesForCurrentThread();
        LaunchHundred();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void LaunchHundred()
        {
            for (var i = 0; i < 100; i++) Square(tensor, tensor);
            Device.Synchronize();
        }
    }

    [SkippableFact]
    public void MoreLaunchesThanWaitForTheirTimesAreAllRecorded()
    {
        using var tensor = Prefilled(new Shape(16));
        var trace = new ExecutionTrace(10);
        using (Device.StartTrace(trace))
            for (var i = 0; i < 5000; i++) Square(tensor, tensor);
        Assert.Equal((5000, 10), (trace.Launches, trace.Kept));
    }

    [SkippableFact]
    public void TimesAreTheDevicesOwn()
    {
        var trace = new ExecutionTrace(10);
        using (Device.StartTrace(trace)) Assert.Equal("OpenCL events", trace.Source);
    }
}

[Collection(OnOpenClInGpuShape.Name)]
public sealed class DeviceTraceTestsInGpuShape(OpenClDeviceInGpuShape opened) : DeviceTraceTests(opened);

[Collection(OnIlgpu.Name)]
public sealed class DeviceTraceTestsOnIlgpu(IlgpuDevice opened) : DeviceTraceTests(opened);

/// <summary>The file that Perfetto and Chrome open.</summary>
public sealed class TraceEventFileTests
{
    [Fact]
    public void AKernelLiesWithinItsLayerAndAPhaseWithinItsPhase()
    {
        var trace = new ExecutionTrace(100);
        Launch(trace, "a", "conv1", 10, 20);
        Launch(trace, "b", "conv1", 25, 30);
        Launch(trace, "c", null, 30, 31);
        Launch(trace, "a", "conv1", 40, 50);
        using (trace.Phase("step"))
        using (trace.Phase("forward"))
        {
        }
        var file = Written(trace);
        var device = Spans(file).Where(e => (int)e["tid"]! == 0)
            .Select(e => ((string)e["name"]!, (double)e["ts"]!, (double)e["dur"]!));
        Assert.Equal(
            [
                ("conv1", 0.01, 0.02), ("a", 0.01, 0.01), ("b", 0.025, 0.005),
                ("c", 0.03, 0.001),
                ("conv1", 0.04, 0.01), ("a", 0.04, 0.01),
            ], device);
        Assert.Equal(["step", "forward"], Spans(file).Where(e => (string)e["cat"]! == "phase").Select(e => (string)e["name"]!));
        var arguments = Spans(file).First(e => (string)e["cat"]! == "launch")["args"]!;
        Assert.Equal(("conv1", "forward", 8), ((string)arguments["layer"]!, (string)arguments["pass"]!, (int)arguments["bytes"]!));
    }

    [Fact]
    public void TheLatestEventsAreKeptAndTheRestIsCounted()
    {
        var trace = new ExecutionTrace(3);
        for (var i = 0; i < 5; i++) Launch(trace, $"kernel{i}", null, i, i + 1);
        Assert.Equal((5, 3), (trace.Recorded, trace.Kept));
        var file = Written(trace);
        Assert.Equal(["kernel2", "kernel3", "kernel4"], Spans(file).Select(e => (string)e["name"]!));
        Assert.Equal((5, 3), ((int)file["otherData"]!["recordedEvents"]!, (int)file["otherData"]!["keptEvents"]!));
    }

    [Fact]
    public void AnEmptyTraceIsAWholeFile() => Assert.Empty(Spans(Written(new ExecutionTrace(1))));

    private static void Launch(ExecutionTrace trace, string name, string? layer, long begin, long end) =>
        trace.Add(new TraceEvent(TraceKind.Launch, TraceEvent.DeviceTrack, name, layer, false, begin, end, 8, 0));

    private static JsonNode Written(ExecutionTrace trace)
    {
        using var stream = new MemoryStream();
        TraceEventFile.Write(trace, "test", stream);
        return JsonNode.Parse(stream.ToArray())!;
    }

    private static IEnumerable<JsonNode> Spans(JsonNode file) => file["traceEvents"]!.AsArray().Where(e => (string)e!["ph"]! == "X")!;
}
