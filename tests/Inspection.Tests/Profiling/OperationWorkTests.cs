using Convolve.Engine.Devices;
using Convolve.Inspection.Profiling;
using Convolve.Inspection.PtxMachine.Devices;

namespace Convolve.Inspection.Tests.Profiling;

/// <summary>The works by which kernels are profiled.</summary>
public sealed class OperationWorkTests
{
    [Fact]
    public void EveryKernelForGpusHasOne() =>
        Assert.Empty(KernelCatalogue.All.Where(kernel => kernel.Gpu is { } form && !KernelWork.All.ContainsKey(form))
            .Select(kernel => $"{kernel}: no work in {nameof(OperationWork)} launches it"));

    /// <summary>At the small size they run whole, with values, under the sanitizer.</summary>
    [Theory]
    [InlineData("sm_75", false)]
    [InlineData("sm_90", true)]
    public void SmallOnesRunWithoutFindings(string target, bool onTensorCores)
    {
        using var machine = new PtxDevice(CudaTarget.All.Single(known => known.Name == target));
        if (onTensorCores) machine.Device.UseTf32();
        var launches = 0;
        machine.Launched = (_, _) => launches++;
        foreach (var work in OperationWork.All)
        {
            var before = launches;
            using var tensors = new WorkTensors(machine.Device);
            work.Run(tensors, true);
            Assert.True(launches > before, work.Title);
        }
    }
}
