using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Tracing;
using Convolve.Pneumonia.Kernels;

namespace Convolve.Benchmarks;

/// <summary>
/// What recording a trace costs, as the table of docs/performance.md has it: training steps with and without it in turn, in one process.
/// </summary>
internal static class TraceCost
{
    private static readonly (string Model, int Pixels, int Batch, int Pairs)[] steps =
        [("mlp", 150, 100, 400), ("cnn", 64, 10, 300), ("cnn", 150, 50, 60), ("cnn", 150, 100, 40)];

    /// <summary>Measures the steps and prints their table.</summary>
    public static void Print(TextWriter output)
    {
        using var catalogue = new DeviceCatalogue();
        using var device = catalogue.Open(catalogue.Choose().Device);
        output.WriteLine("| step | pairs | launches | median, ms | shortest, ms | CPU time, median, ms | median of the pairs' ratios |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        foreach (var step in steps) output.WriteLine(Row(device, step.Model, step.Pixels, step.Batch, step.Pairs));
    }

    private static string Row(Device device, string model, int pixels, int batch, int pairs)
    {
        using var work = NetworkWorkload.Create(device,
            new JsonObject { ["kind"] = "train-step", ["model"] = model, ["batch"] = batch, ["pixels"] = pixels });
        var trace = new ExecutionTrace();
        for (var i = 0; i < 4; i++) Step(recorded: i % 2 == 1);
        var before = device.Launches;
        Step(recorded: false);
        var launches = device.Launches - before;
        var off = new List<(double Wall, double Cpu)>();
        var on = new List<(double Wall, double Cpu)>();
        for (var i = 0; i < pairs; i++)
            // Who is first changes from pair to pair.
            foreach (var recorded in new[] { i % 2 == 0, i % 2 != 0 }) (recorded ? on : off).Add(Step(recorded));
        return string.Create(CultureInfo.InvariantCulture,
            $"| {model}, {pixels} px, batch {batch} | {pairs} | {launches} ")
            + string.Create(CultureInfo.InvariantCulture, $"| {Median(off, s => s.Wall):F2} → {Median(on, s => s.Wall):F2} ")
            + string.Create(CultureInfo.InvariantCulture, $"| {off.Min(s => s.Wall):F2} → {on.Min(s => s.Wall):F2} ")
            + string.Create(CultureInfo.InvariantCulture, $"| {Median(off, s => s.Cpu):F2} → {Median(on, s => s.Cpu):F2} ")
            + string.Create(CultureInfo.InvariantCulture, $"| {Median(off.Zip(on, (a, b) => b.Wall / a.Wall), ratio => ratio):F3} |");

        (double Wall, double Cpu) Step(bool recorded)
        {
            using var recording = recorded ? device.StartTrace(trace) : null;
            device.Synchronize();
            var (cpu, watch) = (Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
            work.Run();
            device.Synchronize();
            return (watch.Elapsed.TotalMilliseconds, (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds);
        }
    }

    private static double Median<T>(IEnumerable<T> values, Func<T, double> of)
    {
        double[] sorted = [.. values.Select(of).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
