using System.Globalization;
using System.Text.Json.Nodes;
using Convolve.Inspection.Prediction;
using Convolve.Inspection.PtxMachine;
using Convolve.Inspection.PtxMachine.Devices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using Convolve.Inspection.Tests.Prediction;
using Convolve.Pneumonia.Kernels;

namespace Convolve.Benchmarks;

/// <summary>The tables of docs/prediction.md: times that an H200 took, and what the model of the PTX machine predicts for them.</summary>
internal static class PredictionTable
{
    private const string Heading = "## Every case";

    private static readonly Gpu gpu = Gpu.Named("h200");

    /// <summary>Prints the tables, or writes them to the end of a page.</summary>
    /// <param name="page">The page; null to print.</param>
    /// <param name="only">A part of the names of the cases; empty for all.</param>
    public static int Write(string? page, string only)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        text.WriteLine(Heading);
        text.WriteLine("Written by `dotnet run -c Release --project benchmarks -- predict docs/prediction.md`.");
        Cases("float32", "convolve_fp32", tf32: false, only, text);
        Cases("TF32", "convolve_tf32", tf32: true, only, text);
        if (only.Length == 0) Products(text);
        if (page is null) Console.Write(text);
        else File.WriteAllText(page, File.ReadAllText(page).Split(Heading)[0] + text);
        return 0;
    }

    private static void Cases(string title, string column, bool tf32, string only, TextWriter text)
    {
        var measured = Table("h200.tsv").ToDictionary(row => row["case"], row => Number(row[column]));
        text.WriteLine($"\n### {title}");
        text.WriteLine("| case | measured, ms | predicted, ms | predicted / measured | longest kernel, and what holds it up |");
        text.WriteLine("| --- | --- | --- | --- | --- |");
        using var machine = Machine();
        if (tf32) machine.Device.UseTf32();
        var model = new TimeModel(gpu);
        var ratios = new List<double>();
        foreach (var request in JsonNode.Parse(Resource("gpu-cases.json"))!.AsArray())
        {
            var name = (string)request!["name"]!;
            if (!name.Contains(only, StringComparison.Ordinal)) continue;
            using var workload = NetworkWorkload.Create(machine.Device, request);
            machine.ClearRecorded();
            workload.Run();
            var (microseconds, launches) = model.Predict(machine.Recorded);
            var ratio = microseconds / 1000 / measured[name];
            ratios.Add(ratio);
            var longest = launches.MaxBy(launch => launch.Microseconds)!;
            text.WriteLine($"| {name} | {measured[name]:F4} | {microseconds / 1000:F4} | {ratio:F2} | {longest.Name}: {longest.Limit} |");
        }
        var errors = ratios.Select(ratio => Math.Abs(ratio - 1)).Order().ToArray();
        var worst = ratios.Max(ratio => Math.Max(ratio, 1 / ratio));
        text.WriteLine($"\n{ratios.Count} cases: median error {100 * errors[errors.Length / 2]:F0} %, "
            + $"{errors.Count(error => error <= 0.25)} within 25 %, the worst off by a factor of {worst:F2}.");
    }

    /// <summary>Products of square matrices by single kernels, and today's.</summary>
    private static void Products(TextWriter text)
    {
        var cases = Table("h200.tsv");
        text.WriteLine("\n### Kernels of matrix products, TFLOP/s");
        text.WriteLine("| kernel | size | measured | predicted | registers | time predicted / measured |");
        text.WriteLine("| --- | --- | --- | --- | --- | --- |");
        var model = new TimeModel(gpu);
        foreach (var row in Table("h200-products.tsv"))
        {
            var kernel = ExecutableKernel.Of(Resource($"{row["kernel"]}.ptx"));
            foreach (var column in row.Keys.Skip(1))
            {
                var size = int.Parse(column, CultureInfo.InvariantCulture);
                Line(row["kernel"], size, Number(row[column]), [Launch(kernel, size)]);
            }
        }
        Today("GpuBlockProduct", "convolve_fp32", tf32: false, unrolled: false);
        Today("GpuBlockProduct, unrolled", "unrolled_fp32", tf32: false, unrolled: true);
        Today("Tf32BlockProduct", "convolve_tf32", tf32: true, unrolled: false);

        void Today(string name, string column, bool tf32, bool unrolled)
        {
            using var machine = Machine();
            if (tf32) machine.Device.UseTf32();
            if (unrolled)
                machine.Rewrite = (name, ptx) => name.Contains("BlockProduct", StringComparison.Ordinal) ? UnrolledProduct.Of(ptx) : ptx;
            foreach (var row in cases.Where(row => row["case"].StartsWith("gemm/", StringComparison.Ordinal)))
            {
                if (row[column] == "-" || !int.TryParse(row["case"]["gemm/".Length..], out var size)) continue;
                var request = new JsonObject { ["kind"] = "gemm", ["m"] = size, ["n"] = size, ["k"] = size };
                using var workload = NetworkWorkload.Create(machine.Device, request);
                machine.ClearRecorded();
                workload.Run();
                Line(name, size, Teraflops(size, 1000 * Number(row[column])), machine.Recorded);
            }
        }

        void Line(string name, int size, double measured, IReadOnlyList<RecordedLaunch> launches)
        {
            var (microseconds, predictions) = model.Predict(launches);
            var predicted = Teraflops(size, microseconds);
            text.WriteLine(
                $"| {name} | {size} | {measured:F0} | {predicted:F0} | {predictions[0].Registers.Count} | {measured / predicted:F2} |");
        }
    }

    private static double Teraflops(int size, double microseconds) => 2e-6 * size * size * size / microseconds;

    private static RecordedLaunch Launch(ExecutableKernel kernel, int size)
    {
        const int Tile = 128;
        using var memory = new GlobalMemory();
        var (a, b, c) = (Map("a"), Map("b"), Map("c"));
        var arguments = new LaunchArguments(kernel.Kernel)
            .AddView<float>(c).Add(a.Address).Add(b.Address).Add(c.Address).Add(size).Add(size).Add(size);
        var threads = kernel.Kernel.MaximalThreads!.Value;
        return kernel.Sample(memory, new Extent(size / Tile, size / Tile), new Extent(threads), arguments.Bytes);

        GlobalArray Map(string name) => memory.Map(name, 0, (long)size * size * sizeof(float));
    }

    private static PtxDevice Machine() => PtxDevice.Counting(gpu.Target, gpu.Multiprocessors, gpu.MemoryBytes);

    private static double Number(string text) => double.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;

    private static List<Dictionary<string, string>> Table(string name)
    {
        string[][] rows = [.. Resource(name).Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('\t'))];
        return [.. rows.Skip(1).Select(row => rows[0].Zip(row).ToDictionary(cell => cell.First, cell => cell.Second))];
    }

    private static string Resource(string name)
    {
        using var reader = new StreamReader(typeof(PredictionTable).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }
}
