using System.Text.Json.Nodes;
using Convolve.Engine.Devices;
using Convolve.Inspection;
using Convolve.Pneumonia.Kernels;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Kernels;

public sealed class KernelsCommandTests
{
    [Fact]
    public async Task ListNamesEveryKernelWithWhatScriptsRelyOn()
    {
        var rows = (await CommandRun.Succeeding("kernels", "list", "--json")).Json.AsArray();
        Assert.Equal(KernelCatalogue.All.Count, rows.Count);
        Assert.All(rows, row => Assert.Equal(["name", "operation", "shape", "minArch", "hot"], row!.AsObject().Select(field => field.Key)));
        var product = rows.Single(row => (string)row!["name"]! == "matrix-multiply-gpu")!;
        Assert.Equal(("matrix multiply", "gpu", "sm_75", true),
            ((string)product["operation"]!, (string)product["shape"]!, (string)product["minArch"]!, (bool)product["hot"]!));
        Assert.Equal(["any", "cpu", "gpu"], rows.Select(row => (string)row!["shape"]!).Distinct().Order());

        var table = (await CommandRun.Succeeding("kernels", "list")).Output;
        Assert.All(KernelCatalogue.All, kernel => Assert.Contains($" {kernel.Name} ", table));
    }

    [Theory]
    [InlineData("csharp", "internal struct UpdateParameters<TShape, TRule> : IGroupKernel")]
    [InlineData("opencl", "kernel void Kernel_rmsprop(")]
    [InlineData("ptx", ".entry Kernel_rmsprop(")]
    public async Task ATextAskedForStandsAlone(string target, string mentions)
    {
        var text = (await CommandRun.Succeeding("kernels", "show", "rmsprop", "--target", target)).Output;
        Assert.Contains(mentions, text);
        Assert.DoesNotContain("== ", text);
        if (target == "csharp") Assert.Contains("internal readonly struct RmsPropRule : IUpdateRule", text);
        if (target == "ptx")
            Assert.All(text.Split('\n').Take(3), line => Assert.StartsWith("//", line));
    }

    [Theory]
    [InlineData("sm_75")]
    [InlineData("sm_90")]
    public async Task PtxIsOfTheArchitectureAskedFor(string architecture)
    {
        var text = (await CommandRun.Succeeding("kernels", "show", "convolution-forward-gpu", "--target", "ptx", "--arch", architecture))
            .Output;
        Assert.Contains($".target {architecture}\n", text.ReplaceLineEndings("\n"));
        Assert.EndsWith("}", text.TrimEnd());
    }

    [Fact]
    public async Task WithoutATargetAllTextsStandUnderTitlesWithCounts()
    {
        var text = (await CommandRun.Succeeding("kernels", "show", "matrix-multiply-gpu")).Output;
        var csharp = text.IndexOf("== C#: src/Engine/Operations/BlockProduct/GpuBlockProduct.cs, line ", StringComparison.Ordinal);
        var openCl = text.IndexOf("== OpenCL: GpuBlockProduct<LeftMatrix, RightMatrix>; ", StringComparison.Ordinal);
        var ptx = text.IndexOf("== PTX for sm_80: GpuBlockProduct<LeftMatrix, RightMatrix>; ", StringComparison.Ordinal);
        Assert.True(csharp > 0 && openCl > csharp && ptx > openCl, text[..200]);
        // Two blocks of two factors: 2 · 2 · 8 · 132 floats, and 64 accumulators per step.
        Assert.Contains("FMAs 64,", text[ptx..]);
        Assert.Contains("shared bytes 16896", text[ptx..]);
        Assert.Contains("shared loads 4 (4 of vectors)", text[ptx..]);
    }

    /// <summary>Compiled by one shared object, because compiling takes time; no device is needed.</summary>
    [Fact]
    public void EveryKernelIsShownWithoutADevice()
    {
        using var code = new KernelCode();
        foreach (var kernel in KernelCatalogue.All)
        {
            var output = new StringWriter();
            KernelShow.Write(new KernelShowSettings { Names = [kernel.Name] }, code, new Terminal(output, TextWriter.Null));
            var text = output.ToString();
            Assert.Contains("== C#: src/Engine/", text);
            Assert.Contains(kernel.IsCudaOnly ? "== OpenCL: none" : $"== OpenCL: {kernel.OpenClForm}; loads ", text);
            Assert.Contains($"== PTX for sm_80: {kernel.PtxForm}; ", text);
            var counts = text[text.IndexOf("== counts in the PTX", StringComparison.Ordinal)..];
            Assert.All(CudaTarget.All.Where(target => target.Number >= kernel.MinimalArchitecture.Number),
                target => Assert.Contains(target.Name, counts));
            Assert.All(new[] { "FMAs", "operations per byte", "registers declared", "shared bytes of a group" },
                row => Assert.Contains(row, counts));
            Assert.All(counts.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 100));
        }
    }

    [Fact]
    public async Task ComparePrintsEveryAlgorithmOfAShapeWithItsFigures()
    {
        string[] shape =
            ["kernels", "compare", "conv", "--batch", "1", "--pixels", "9", "--channels", "3", "--filters", "5", "--runs", "1",
                "--device", "cpu"];
        var rows = (await CommandRun.Succeeding([.. shape, "--json"])).Json.AsArray();
        Assert.Equal(["algorithm", "milliseconds", "gflops", "shareOfPeak", "largestError", "workspaceBytes", "auto"],
            rows[0]!.AsObject().Select(field => field.Key));
        string[] names = [.. rows.Select(row => (string)row!["algorithm"]!)];
        Assert.Equal(["naive", "im2col", "implicit", "direct", "winogradlines", "winograd2", "winograd4"], names);
        Assert.Single(rows, row => (bool)row!["auto"]!);
        Assert.All(rows, row => Assert.InRange((double)row!["largestError"]!, 0, 1e-5));
        Assert.All(rows,
            row => Assert.True((double)row!["milliseconds"]! > 0 && (double)row["gflops"]! > 0 && (double)row["shareOfPeak"]! > 0));

        var table = (await CommandRun.Succeeding([.. shape, "--pass", "kernel-gradient", "--stride", "2"])).Output;
        Assert.All(new[] { "naive", "im2col", "implicit", "direct" }, name => Assert.Contains($" {name} ", table));
        Assert.DoesNotContain("winograd", table);
    }

    [Fact]
    public async Task ComparePrintsTheMatrixProductBesideThePeak()
    {
        string[] sizes =
            ["kernels", "compare", "gemm", "--rows", "33", "--columns", "17", "--depth", "40", "--runs", "1", "--device", "cpu"];
        var figures = (await CommandRun.Succeeding([.. sizes, "--json"])).Json;
        Assert.Equal(["milliseconds", "gflops", "peakGflops", "shareOfPeak", "largestError", "workspaceBytes"],
            figures.AsObject().Select(field => field.Key));
        Assert.InRange((double)figures["largestError"]!, 0, 1e-5);
        Assert.True((double)figures["gflops"]! > 0 && (double)figures["peakGflops"]! > 0);
        Assert.Contains("GFLOP/s", (await CommandRun.Succeeding(sizes)).Output);
    }
}
