using System.Diagnostics;
using System.Text.Json.Nodes;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Inspection.Profiling;
using Convolve.Pneumonia.Kernels;

namespace Convolve.Benchmarks;

/// <summary>
/// Times cases that another program asks for, one JSON object per line: {"name", "kind", sizes…, "rounds", "warmup"} in,
/// {"name", "ms": […]} or {"name", "error"} out. Every timed call ends with a device synchronisation.
/// </summary>
internal static class Worker
{
    public static void Run(TextReader input, TextWriter output)
    {
        using var catalogue = new DeviceCatalogue();
        using var device = catalogue.Open(catalogue.Choose().Device);
        string? name = null;
        Workload? workload = null;
        while (input.ReadLine() is { } line)
        {
            if (line.Length == 0) continue;
            var request = JsonNode.Parse(line)!;
            var answer = new JsonObject { ["name"] = (string)request["name"]! };
            try
            {
                if ((string)request["name"]! != name)
                {
                    workload?.Dispose();
                    workload = null;
                    // Another case's buffers are of no use to this one.
                    device.Pool.Trim();
                    // A dry run, so that the memory is laid out before the work begins, as in training.
                    device.Pool.DryRun = (_, _) =>
                    {
                        using var dryRunDevice = device.WithoutMemory();
                        using var dryRun = NetworkWorkload.Create(dryRunDevice, request);
                        for (var i = 0; i < 2; i++) dryRun.Run();
                        return dryRunDevice.Pool;
                    };
                    workload = NetworkWorkload.Create(device, request);
                    name = (string)request["name"]!;
                    for (var i = 0; i < ((int?)request["warmup"] ?? 1); i++) workload.Run();
                    device.Synchronize();
                }
                var milliseconds = new JsonArray();
                for (var i = 0; i < ((int?)request["rounds"] ?? 1); i++)
                {
                    var watch = Stopwatch.StartNew();
                    workload!.Run();
                    device.Synchronize();
                    milliseconds.Add(watch.Elapsed.TotalMilliseconds);
                }
                answer["ms"] = milliseconds;
            }
            catch (Exception e)
            {
                name = null;
                answer["error"] = e.Message.Split('\n')[0];
            }
            output.WriteLine(answer.ToJsonString());
            output.Flush();
        }
        workload?.Dispose();
    }
}
