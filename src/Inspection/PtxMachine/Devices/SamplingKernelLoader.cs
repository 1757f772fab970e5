using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Inspection.PtxMachine.Devices;

/// <summary>Counts launches of the engine's kernels by a few groups each. Launches with the same arguments are counted once.</summary>
internal sealed class SamplingKernelLoader(PtxDevice device, KernelCode code, List<RecordedLaunch> recorded) : IKernelLoader, IDisposable
{
    public bool HasTf32 => device.Target.Number >= CudaTarget.WithTf32.Number;

    public Action<AcceleratorStream, KernelConfig, TKernel> Load<TKernel>() where TKernel : struct, IGroupKernel
    {
        var name = KernelForm.NameOf(typeof(TKernel));
        var ptx = code.Ptx(typeof(TKernel), device.Target);
        var kernel = ExecutableKernel.Of(device.Rewrite?.Invoke(name, ptx) ?? ptx, name);
        var layout = new KernelLayout<TKernel>(kernel.Kernel);
        var known = new Dictionary<(Extent, Extent, string), RecordedLaunch>();
        return (_, config, arguments) =>
        {
            using var memory = new GlobalMemory();
            var bytes = layout.Bytes(arguments, memory);
            var (grid, groupSize) = (PtxKernelLoader.ExtentOf(config.GridDim), PtxKernelLoader.ExtentOf(config.GroupDim));
            // Arrays get the same addresses in every launch.
            var key = (grid, groupSize, System.Convert.ToHexString(bytes));
            if (!known.TryGetValue(key, out var launch)) known.Add(key, launch = kernel.Sample(memory, grid, groupSize, bytes));
            recorded.Add(launch);
        };
    }

    public void Dispose() => code.Dispose();
}
