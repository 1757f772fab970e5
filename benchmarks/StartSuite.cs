using System.Diagnostics;
using System.Reflection;
using BenchmarkDotNet.Attributes;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using Convolve.Pneumonia.Kernels;

namespace Convolve.Benchmarks;

/// <summary>
/// From the start of a process to its first result, each time in a new process: with an empty cache of compiled kernels, and with the one
/// that a first process left. The cache is PoCL's (<c>POCL_CACHE_DIR</c>); other drivers keep theirs where they please.
/// </summary>
public class StartSuite
{
    private const string CacheVariable = "POCL_CACHE_DIR";

    private string caches = "";
    private int runs;

    /// <summary>How far the process goes.</summary>
    [Params("device", "kernel", "step")]
    public string Until { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        caches = Directory.CreateTempSubdirectory("convolve-start-").FullName;
        Run("warm");
    }

    [GlobalCleanup]
    public void Cleanup() => Directory.Delete(caches, recursive: true);

    [Benchmark]
    public void Cold() => Run($"cold{runs++}");

    [Benchmark]
    public void Warm() => Run("warm");

    /// <summary>
    /// What the process does: opens the device (which tests it), runs one kernel, or takes the first step of the reference CNN.
    /// </summary>
    internal static void Work(string until)
    {
        using var catalogue = new DeviceCatalogue();
        using var device = catalogue.Open(catalogue.Choose().Device);
        if (until == "kernel")
        {
            using var filled = Tensor.Filled(device, new Shape(1000), 1);
            device.Synchronize();
        }
        if (until != "step") return;
        using var step = NetworkWorkload
            .Create(device, System.Text.Json.Nodes.JsonNode.Parse("""{"kind":"train-step","model":"cnn","batch":20,"pixels":150}""")!);
        step.Run();
        device.Synchronize();
    }

    private void Run(string cache)
    {
        var benchmarks = typeof(StartSuite).Assembly.Location;
        // BenchmarkDotNet runs suites in a program of its own, which is the one that names the libraries.
        var program = Assembly.GetEntryAssembly()!.Location;
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                "exec", "--runtimeconfig", Path.ChangeExtension(program, ".runtimeconfig.json"), "--depsfile",
                    Path.ChangeExtension(program, ".deps.json"),
                benchmarks, "start", Until,
            },
        };
        start.Environment[CacheVariable] = Directory.CreateDirectory(Path.Combine(caches, cache)).FullName;
        using var process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"the process that was to start until \"{Until}\" ended with exit code {process.ExitCode}");
    }
}
