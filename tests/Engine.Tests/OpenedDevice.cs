using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using Convolve.Inspection;
using Convolve.Inspection.PtxMachine.Devices;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Convolve.Engine.Tests;

/// <summary>
/// A device shared by all tests of a collection, because opening one compiles kernels. Tests count what it rents and launches. Tests that
/// need a missing device are skipped.
/// </summary>
public abstract class OpenedDevice : IDisposable
{
    private readonly DeviceCatalogue catalogue = new();
    private readonly DeviceKind kind;
    private readonly KernelShape shape;
    private Device? device;

    protected OpenedDevice(DeviceKind kind, KernelShape shape, int percentOfCases, int largestWork)
    {
        this.kind = kind;
        this.shape = shape;
        PercentOfCases = percentOfCases;
        LargestWork = largestWork;
    }

    /// <summary>Fraction of a property's cases to run: slow devices run fewer.</summary>
    public int PercentOfCases { get; }

    /// <summary>Most multiply-adds of one case.</summary>
    public int LargestWork { get; }

    /// <summary>The device; skips the calling test if there is none.</summary>
    public Device Device => device ??= Open();

    private protected virtual Device Open()
    {
        var description = catalogue.Devices.FirstOrDefault(d => d.Kind == kind);
        Skip.If(description is null, $"this machine has no device of the kind {kind}; {DeviceCatalogue.InstallAdvice}");
        return catalogue.Open(description!, shape);
    }

    public virtual void Dispose()
    {
        var uncatalogued = device is null ? [] : KernelCatalogue.Uncatalogued(device);
        device?.Dispose();
        catalogue.Dispose();
        GC.SuppressFinalize(this);
        // All tests of the suite that launch kernels launch them here.
        Assert.Empty(uncatalogued);
    }
}

/// <summary>OpenCL on the CPU, with the CPU variants of the kernels.</summary>
public sealed class OpenClDevice() : OpenedDevice(DeviceKind.OpenClCpu, KernelShape.Cpu, percentOfCases: 100, largestWork: 2_000_000);

/// <summary>
/// The GPU variants of the kernels, including barriers and shared memory. The environment variable CONVOLVE_TEST_DEVICE selects where they
/// run: <c>cuda</c>, <c>opencl-gpu</c>, <c>opencl-cpu</c> (the default: slow, but no GPU is needed) or <c>machine</c>, the PTX machine with
/// its sanitizer.
/// </summary>
public sealed class OpenClDeviceInGpuShape : OpenedDevice
{
    private const string Variable = "CONVOLVE_TEST_DEVICE";

    private readonly PtxDevice? machine;

    public OpenClDeviceInGpuShape()
        : base(Kind, KernelShape.Gpu, percentOfCases: OnMachine ? 5 : 30, largestWork: OnMachine ? 60_000 : 400_000)
    {
        if (OnMachine) machine = new PtxDevice(CudaTarget.All[^1]);
    }

    public override void Dispose()
    {
        base.Dispose();
        machine?.Dispose();
    }

    private protected override Device Open() => machine?.Device ?? base.Open();

    private static string Asked => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } asked ? asked : "opencl-cpu";

    private static bool OnMachine => Asked == "machine";

    private static DeviceKind Kind => Asked switch
    {
        "cuda" or "machine" => DeviceKind.Cuda,
        "opencl-gpu" => DeviceKind.OpenClGpu,
        "opencl-cpu" => DeviceKind.OpenClCpu,
        _ => throw new InvalidOperationException($"{Variable} is '{Asked}'; it must be cuda, opencl-gpu, opencl-cpu or machine"),
    };
}

/// <summary>ILGPU's own accelerator, available on every machine; slow.</summary>
public sealed class IlgpuDevice() : OpenedDevice(DeviceKind.IlgpuCpu, KernelShape.Cpu, percentOfCases: 15, largestWork: 60_000);

[CollectionDefinition(Name)]
public sealed class OnOpenCl : ICollectionFixture<OpenClDevice>
{
    public const string Name = "OpenCL on the CPU";
}

[CollectionDefinition(Name)]
public sealed class OnOpenClInGpuShape : ICollectionFixture<OpenClDeviceInGpuShape>
{
    public const string Name = "OpenCL on the CPU, kernels in GPU shape";
}

[CollectionDefinition(Name)]
public sealed class OnIlgpu : ICollectionFixture<IlgpuDevice>
{
    public const string Name = "ILGPU's CPU accelerator";
}

/// <summary>Base class of tests on a device.</summary>
public abstract class DeviceTests(OpenedDevice opened)
{
    /// <summary>Prefills outputs, so that elements that a kernel does not write are detected.</summary>
    protected const float Sentinel = 666.6f, OtherSentinel = 777.7f;

    protected Device Device => opened.Device;

    protected int LargestWork => opened.LargestWork;

    protected Tensor Upload(Shape shape, float[] values) => Tensor.FromValues(Device, shape, values);

    /// <summary>A leaf tensor with a gradient.</summary>
    protected Tensor Leaf(Shape shape, float[] values)
    {
        var tensor = Upload(shape, values);
        tensor.RequiresGradient = true;
        return tensor;
    }

    /// <summary>A buffer filled with a sentinel, to be overwritten or added to.</summary>
    protected Tensor Prefilled(Shape shape, float value = Sentinel) => Tensor.Filled(Device, shape, value);

    /// <summary>Checks a property on random cases, as many as suit the device.</summary>
    protected void ForAll<T>(FsCheck.Gen<T> generator, int cases, Action<T> statement)
    {
        // Opened before the first case, so that a missing device skips the test instead of failing the property.
        _ = Device;
        RandomCases.ForAll(generator, Math.Max(3, cases * opened.PercentOfCases / 100), statement);
    }
}
