using System.Text.Json.Nodes;
using Convolve.Inspection.Prediction;
using Convolve.Inspection.PtxMachine.Devices;
using Convolve.Inspection.PtxMachine.Sampling;

namespace Convolve.Pneumonia.Kernels;

/// <summary>A case of benchmarks/gpu-cases.json: an operation or a network's step of given sizes, timed on GPUs.</summary>
/// <param name="Name">Its name, e.g. <c>gemm/1024</c>.</param>
/// <param name="Request">Its kind and sizes.</param>
internal sealed record BenchmarkCase(string Name, JsonNode Request)
{
    /// <summary>All cases.</summary>
    public static IReadOnlyList<BenchmarkCase> All { get; } = Read();

    /// <summary>The case of a name, or null.</summary>
    public static BenchmarkCase? Find(string name) =>
        All.FirstOrDefault(known => known.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Counts its launches on a GPU, by a few groups of each and without values.</summary>
    /// <exception cref="Engine.Devices.DeviceException">The GPU has no room for it.</exception>
    public IReadOnlyList<RecordedLaunch> Launches(Gpu gpu)
    {
        using var machine = PtxDevice.Counting(gpu.Target, gpu.Multiprocessors, gpu.MemoryBytes, withLines: true);
        using var workload = NetworkWorkload.Create(machine.Device, Request);
        machine.ClearRecorded();
        workload.Run();
        return [.. machine.Recorded];
    }

    private static IReadOnlyList<BenchmarkCase> Read()
    {
        using var stream = typeof(BenchmarkCase).Assembly.GetManifestResourceStream("gpu-cases.json")!;
        return [.. JsonNode.Parse(stream)!.AsArray().Select(request => new BenchmarkCase((string)request!["name"]!, request))];
    }
}
