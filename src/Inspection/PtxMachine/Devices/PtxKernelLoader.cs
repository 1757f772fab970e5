using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Inspection.PtxMachine.Devices;

/// <summary>Launches kernels of the engine on the machine.</summary>
internal sealed class PtxKernelLoader(PtxDevice device, KernelCode code) : IKernelLoader, IDisposable
{
    public bool HasTf32 => device.Target.Number >= CudaTarget.WithTf32.Number;

    public Action<AcceleratorStream, KernelConfig, TKernel> Load<TKernel>() where TKernel : struct, IGroupKernel
    {
        var name = KernelForm.NameOf(typeof(TKernel));
        var ptx = code.Ptx(typeof(TKernel), device.Target);
        var kernel = ExecutableKernel.Of(device.Rewrite?.Invoke(name, ptx) ?? ptx, name);
        var layout = new KernelLayout<TKernel>(kernel.Kernel);
        return (stream, grid, arguments) =>
        {
            // Copies and fills go through the accelerator's stream.
            stream.Synchronize();
            using var memory = new GlobalMemory();
            var result = kernel.Launch(memory, ExtentOf(grid.GridDim), ExtentOf(grid.GroupDim), layout.Bytes(arguments, memory),
                device.Options);
            device.Launched?.Invoke(name, result);
            if (result.Findings.Count > 0) throw new KernelFaultException(result.Findings);
        };
    }

    public void Dispose() => code.Dispose();

    internal static Extent ExtentOf(Index3D index) => new(index.X, index.Y, index.Z);
}
