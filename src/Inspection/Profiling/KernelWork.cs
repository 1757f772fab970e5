using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection.PtxMachine.Devices;
using Convolve.Inspection.PtxMachine.Execution;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Inspection.Profiling;

/// <summary>The work by which a kernel is profiled.</summary>
/// <param name="Kernel">The kernel in its form for GPUs.</param>
/// <param name="Operation">The first of <see cref="OperationWork.All"/> that launches it.</param>
/// <param name="OnTensorCores">Whether the device rounds to TF32 for it.</param>
internal sealed record KernelWork(Type Kernel, OperationWork Operation, bool OnTensorCores)
{
    private static readonly Lazy<IReadOnlyDictionary<Type, KernelWork>> all = new(FindAll);

    /// <summary>The works of all kernels that one launches.</summary>
    public static IReadOnlyDictionary<Type, KernelWork> All => all.Value;

    /// <summary>
    /// Counts a launch of the kernel at the work's usual size: by a few of its groups, or with values by all of them where the values
    /// of arrays decide which way a thread takes or which addresses it uses. Of several launches it is the one with most instructions.
    /// </summary>
    public RecordedLaunch Count(Prediction.Gpu gpu)
    {
        RecordedLaunch launch;
        using (var machine = PtxDevice.Counting(gpu.Target, gpu.Multiprocessors, gpu.MemoryBytes, withLines: true))
        {
            machine.Device.Kernels.Loader = new SingleKernelLoader(Kernel, machine.Device.Kernels.Loader!);
            Run(machine.Device, small: false);
            launch = Largest(machine.Recorded);
        }
        if (!launch.DependsOnValues) return launch;
        var launches = new List<RecordedLaunch>();
        using var computing = new PtxDevice(gpu.Target, gpu.Multiprocessors, withLines: true);
        computing.Options = new LaunchOptions(Sanitize: false, Count: true);
        computing.Launched = (name, result) => launches.Add(result.Recorded!);
        Run(computing.Device, small: false);
        var own = KernelForm.NameOf(Kernel);
        return Largest(launches.Where(recorded => recorded.Name == own));

        static RecordedLaunch Largest(IEnumerable<RecordedLaunch> launches) =>
            launches.MaxBy(recorded => recorded.Counts.WarpInstructions)!;
    }

    /// <summary>What the sanitizer finds in the kernel at the small size.</summary>
    public IReadOnlyList<Finding> Sanitize(CudaTarget target)
    {
        using var machine = new PtxDevice(target);
        var findings = new List<Finding>();
        machine.Launched = (_, result) => findings.AddRange(result.Findings);
        try
        {
            Run(machine.Device, small: true);
        }
        catch (KernelFaultException e)
        {
            findings.AddRange(e.Findings);
        }
        var own = KernelForm.NameOf(Kernel);
        return [.. findings.Where(finding => finding.Kernel == own).Distinct()];
    }

    private static Dictionary<Type, KernelWork> FindAll()
    {
        using var machine = PtxDevice.Counting(CudaTarget.WithTf32, Prediction.Gpu.All[0].Multiprocessors, long.MaxValue);
        var recorder = new LaunchRecorder();
        machine.Device.Kernels.Loader = recorder;
        var works = new Dictionary<Type, KernelWork>();
        foreach (var onTensorCores in new[] { false, true })
        {
            if (onTensorCores) machine.Device.UseTf32();
            foreach (var operation in OperationWork.All)
            {
                recorder.Launched.Clear();
                using (var tensors = new WorkTensors(machine.Device)) operation.Run(tensors, false);
                foreach (var kernel in recorder.Launched) works.TryAdd(kernel, new KernelWork(kernel, operation, onTensorCores));
            }
        }
        return works;
    }

    private void Run(Engine.Devices.Device device, bool small)
    {
        if (OnTensorCores) device.UseTf32();
        using var tensors = new WorkTensors(device);
        Operation.Run(tensors, small);
    }

    /// <summary>Notes kernels that are launched and does not run them.</summary>
    private sealed class LaunchRecorder : IKernelLoader
    {
        public HashSet<Type> Launched { get; } = [];

        public bool HasTf32 => true;

        public Action<AcceleratorStream, KernelConfig, TKernel> Load<TKernel>() where TKernel : struct, IGroupKernel =>
            (_, _, _) => Launched.Add(typeof(TKernel));
    }

    /// <summary>Launches one kernel only, so that the others need not be compiled.</summary>
    private sealed class SingleKernelLoader(Type kernel, IKernelLoader loader) : IKernelLoader
    {
        public bool HasTf32 => loader.HasTf32;

        public Action<AcceleratorStream, KernelConfig, TKernel> Load<TKernel>() where TKernel : struct, IGroupKernel =>
            typeof(TKernel) == kernel ? loader.Load<TKernel>() : static (_, _, _) => { };
    }
}
