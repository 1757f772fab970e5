using System.Globalization;
using System.Reflection;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using Convolve.Inspection.Prediction.Assembly;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.Tests;

/// <summary>Registers and shared memory of the GPU kernels, from their PTX, compared with a multiprocessor's.</summary>
public sealed class KernelResourcesTests(KernelCode code) : IClassFixture<KernelCode>
{
    public static TheoryData<string> ProductsForGpus =>
        [.. KernelCatalogue.All.Where(kernel => kernel is { IsHot: true, Target: KernelTarget.Gpu }).Select(kernel => kernel.Name)];

    public static TheoryData<string> OthersForGpus =>
        [.. KernelCatalogue.All.Where(kernel => kernel.Gpu is not null && kernel is not { IsHot: true, Target: KernelTarget.Gpu })
            .Select(kernel => kernel.Name)];

    [Theory]
    [MemberData(nameof(ProductsForGpus))]
    public void TwoGroupsOfAProductFitIntoAMultiprocessor(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        var text = code.Ptx(kernel, CudaTarget.All[^1]);
        var stride = kernel.IsCudaOnly ? Tf32WarpTile.BlockStride : Tile8x8.BlockStride;
        var sharedBytes = 2 * 2 * GpuStaging.BlockDepth * stride * sizeof(float);
        Assert.Equal(sharedBytes, KernelCounts.OfPtx(text).SharedBytes);
        Assert.True(sharedBytes <= CudaTarget.DeclaredSharedBytes);

        var bounds = kernel.Gpu!.GetCustomAttribute<LaunchBoundsAttribute>()!;
        Assert.Contains($".maxntid {bounds.Threads}, 1, 1", text);
        Assert.Contains($".minnctapersm {bounds.Groups}", text);
        var estimate = RegisterEstimate.Of(PtxKernel.Parse(text));
        // At least 64 accumulators: fewer would mean that this test counts something else.
        Assert.InRange(estimate.Needed, 64, CudaTarget.RegistersPerMultiprocessor / (bounds.Threads * bounds.Groups));
        Assert.All(CudaTarget.All,
            target => Assert.True(Occupancy.Of(target, bounds.Threads, estimate.Count, sharedBytes).Groups >= bounds.Groups));
    }

    [Theory]
    [MemberData(nameof(OthersForGpus))]
    public void OtherKernelsLeaveRoomForEveryThread(string name)
    {
        var kernel = KernelCatalogue.Find(name)!;
        var text = code.Ptx(kernel, CudaTarget.All[^1]);
        // Turing has 64 registers per thread at full occupancy, Ampere to Hopper 32 to 42. Kernels that move four floats of up to four
        // buffers at a time may use 42, because they have four times as many bytes in flight, which is what occupancy is for.
        Assert.InRange(RegisterEstimate.Of(PtxKernel.Parse(text)).Alive, 1, kernel.HasVectorLoads ? 42 : 32);
        // Shared memory is for sums over a group, whose launch bounds say how many groups must have room.
        var groups = kernel.Gpu?.GetCustomAttribute<LaunchBoundsAttribute>()?.Groups ?? int.MaxValue;
        Assert.All(CudaTarget.All,
            target => Assert.InRange((long)KernelCounts.OfPtx(text).SharedBytes * groups, 0, target.SharedBytesPerMultiprocessor));
    }

    /// <summary>The table of tiles in docs/performance.md matches the computed values.</summary>
    [Fact]
    public void DocumentedFiguresAreTheComputedOnes()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Convolve.sln"))) folder = folder.Parent!;
        var text = File.ReadAllText(Path.Combine(folder.FullName, "docs", "performance.md"));
        foreach (var suffix in new[] { "gpu", "tf32" })
        {
            var products = KernelCatalogue.All
                .Where(kernel => kernel.IsHot && kernel.Name.EndsWith("-" + suffix, StringComparison.Ordinal)).ToArray();
            var registers = products.Max(kernel => RegisterEstimate.Of(PtxKernel.Parse(code.Ptx(kernel, CudaTarget.All[^1]))).Count);
            var sharedBytes = KernelCounts.OfPtx(code.Ptx(products[0], CudaTarget.All[^1])).SharedBytes;
            var cells = CudaTarget.All.Select(target => target.Number < products[0].MinimalArchitecture.Number ? "–"
                : Cell(Occupancy.Of(target, GpuStaging.GroupSize, registers, sharedBytes)));
            Assert.Contains(string.Create(CultureInfo.InvariantCulture,
                $"| `…-{suffix}` | {registers} | {sharedBytes} | {string.Join(" | ", cells)} |"), text);
        }
        static string Cell(Occupancy occupancy) =>
            string.Create(CultureInfo.InvariantCulture, $"{occupancy.Groups} groups, {100 * occupancy.Share:F0} %");
    }

    [Theory]
    [InlineData("sm_75", 256, 128, 16896, 2, "registers")]
    [InlineData("sm_80", 256, 32, 0, 8, "registers")]
    [InlineData("sm_86", 32, 16, 0, 16, "groups")]
    [InlineData("sm_75", 256, 16, 0, 4, "threads")]
    [InlineData("sm_75", 128, 16, 32768, 2, "shared memory")]
    // The system takes one KiB per group: three times 33 KiB exceed 100 KiB minus three.
    [InlineData("sm_86", 128, 16, 33792, 2, "shared memory")]
    [InlineData("sm_80", 256, 256, 0, 0, "registers")]
    [InlineData("sm_80", 256, 32, 49153, 0, "shared memory")]
    public void OccupancyIsLimitedByWhatRunsOutFirst(string architecture, int threads, int registers, int sharedBytes, int groups,
        string limit)
    {
        var occupancy = Occupancy.Of(CudaTarget.All.Single(target => target.Name == architecture), threads, registers, sharedBytes);
        Assert.Equal((groups, limit), (occupancy.Groups, occupancy.LimitedBy));
    }
}
