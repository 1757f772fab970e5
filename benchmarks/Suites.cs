using System.Text.Json.Nodes;
using BenchmarkDotNet.Attributes;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Inspection.Profiling;
using Convolve.Pneumonia.Kernels;

namespace Convolve.Benchmarks;

/// <summary>A benchmark over named workloads on the device that a user would get.</summary>
public abstract class Suite
{
    private DeviceCatalogue? catalogue;
    private Device? device;
    private Workload? workload;

    [GlobalSetup]
    public void Setup()
    {
        catalogue = new DeviceCatalogue();
        device = catalogue.Open(catalogue.Choose().Device);
        workload = NetworkWorkload.Create(device, JsonNode.Parse(Request)!);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        workload?.Dispose();
        device?.Dispose();
        catalogue?.Dispose();
    }

    /// <summary>The workload as the worker would be asked for it.</summary>
    protected abstract string Request { get; }

    protected void RunOnce()
    {
        workload!.Run();
        device!.Synchronize();
    }
}

/// <summary>Convolutions of the reference CNN and of VGG19, by algorithm.</summary>
public class ConvolutionSuite : Suite
{
    [Params("conv-forward", "conv-grad-input", "conv-grad-kernel")]
    public string Pass { get; set; } = "";

    [Params("cnn.conv1", "cnn.conv2", "cnn.conv3", "cnn.conv4", "vgg.conv1_1", "vgg.conv1_2", "vgg.conv3_2", "vgg.conv5_2")]
    public string Shape { get; set; } = "";

    [Params("auto", "im2col", "implicit", "direct", "winograd2", "winograd4")]
    public string Algorithm { get; set; } = "";

    protected override string Request
    {
        get
        {
            var (batch, side, input, output, pad) = Shape switch
            {
                "cnn.conv1" => (32, 150, 3, 32, 0),
                "cnn.conv2" => (32, 74, 32, 64, 0),
                "cnn.conv3" => (32, 36, 64, 128, 0),
                "cnn.conv4" => (32, 17, 128, 128, 0),
                "vgg.conv1_1" => (4, 150, 3, 64, 1),
                "vgg.conv1_2" => (4, 150, 64, 64, 1),
                "vgg.conv3_2" => (4, 37, 256, 256, 1),
                _ => (4, 9, 512, 512, 1),
            };
            return $$"""
                {"kind":"{{Pass}}","batch":{{batch}},"height":{{side}},"inChannels":{{input}},"outChannels":{{output}},
                "kernel":3,"pad":{{pad}},"algorithm":"{{Algorithm}}"}
                """;
        }
    }

    [Benchmark]
    public void Convolution() => RunOnce();
}

/// <summary>Matrix products: square ones, and the dense layer of the reference CNN.</summary>
public class MatrixMultiplySuite : Suite
{
    [Params("256,256,256", "1024,1024,1024", "100,512,6272")]
    public string RowsColumnsDepth { get; set; } = "";

    protected override string Request
    {
        get
        {
            var sizes = RowsColumnsDepth.Split(',');
            return $$"""{"kind":"gemm","m":{{sizes[0]}},"n":{{sizes[1]}},"k":{{sizes[2]}}}""";
        }
    }

    [Benchmark]
    public void Product() => RunOnce();
}

/// <summary>Whole steps of whole networks.</summary>
public class NetworkSuite : Suite
{
    [Params("train-step", "infer")]
    public string Kind { get; set; } = "";

    [Params("mlp,100", "cnn,100", "vgg19-frozen,25", "vgg19-full,8")]
    public string ModelAndBatch { get; set; } = "";

    protected override string Request
    {
        get
        {
            var parts = ModelAndBatch.Split(',');
            return $$"""{"kind":"{{Kind}}","model":"{{parts[0]}}","batch":{{parts[1]}},"pixels":150}""";
        }
    }

    [Benchmark]
    public void Step() => RunOnce();
}
