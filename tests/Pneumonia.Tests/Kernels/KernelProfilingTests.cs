using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Kernels;

/// <summary><c>kernels profile</c>.</summary>
public sealed class KernelProfilingTests
{
    [Fact]
    public async Task TheDocumentHasWhatScriptsRelyOn()
    {
        var json = (await CommandRun.Succeeding("kernels", "profile", "matrix-multiply-nt-gpu", "--gpu", "a100", "--json")).Json;
        Assert.Equal(("matrix-multiply-nt-gpu", "a100"), ((string)json["kernel"]!, (string)json["gpu"]!));
        Assert.True((long)json["instructions"]!["float"]! > 0);
        Assert.InRange((double)json["perMultiplyAdd"]!, 1, 2);
        Assert.True((long)json["sharedWavefronts"]! >= (long)json["minimalSharedWavefronts"]!);
        Assert.True((long)json["sectors"]! >= (long)json["minimalSectors"]!);
        Assert.InRange((int)json["registers"]!, 64, 128);
        Assert.Equal(0, (int)json["spilledBytes"]!);
        Assert.Empty(json["findings"]!.AsArray());
        Assert.True((double)json["predictedMilliseconds"]! > 0);
        Assert.Contains(json["lines"]!.AsArray(), line => (string?)line!["text"] == "Low.X += left * rightLow.X;");
    }

    [Fact]
    public async Task ThePageExplainsItsFiguresAndShowsTheLines()
    {
        var page = (await CommandRun.Succeeding("kernels", "profile", "sigmoid-forward")).Output;
        Assert.StartsWith("sigmoid-forward on NVIDIA H200 SXM: sigmoid of [100,72,72,32]", page);
        foreach (var figure in new[] { "predicted time", "instructions", "sectors per request", "occupancy", "registers",
            "spilled bytes", "sanitizer" })
            Assert.Contains($"  {figure} ", page);
        Assert.Contains(" Operations/Activation/ActivationKernels.cs", page);
    }

    [Fact]
    public async Task ACaseShowsItsKernelsAndTheDearestOfThem()
    {
        var json = (await CommandRun.Succeeding("kernels", "profile", "train-step/mlp-150-b100", "--json")).Json;
        Assert.Equal("train-step/mlp-150-b100", (string)json["case"]!);
        var launches = json["launches"]!.AsArray();
        Assert.Equal((string)json["kernel"]!, (string)launches[0]!["kernel"]!);
        double[] times = [.. launches.Select(launch => (double)launch!["predictedMilliseconds"]!)];
        Assert.Equal(times.OrderDescending(), times);
        Assert.True((double)json["casePredictedMilliseconds"]! > times.Sum());
    }

    [Theory]
    [InlineData("kernels profile", "which kernel or case?")]
    [InlineData("kernels profile gem/1024", "'gem/1024': there is no such kernel or case; the nearest: gemm/1024, ")]
    [InlineData("kernels profile relu-forwrd", "the nearest: relu-forward, ")]
    [InlineData("kernels profile relu-forward add", "2 names; give one")]
    [InlineData("kernels profile relu-forward --gpu voodoo", "h200")]
    [InlineData("kernels profile matrix-multiply-cpu-3x32", "written for processors only")]
    [InlineData("kernels profile matrix-multiply-tf32 --gpu t4", "needs sm_80 or newer")]
    public async Task MistakesAreExplainedInOneLine(string arguments, string says)
    {
        var run = await CommandRun.Of(arguments.Split(' '));
        Assert.Equal(2, run.Code);
        Assert.Contains(says, Assert.Single(run.ErrorLines));
    }
}
