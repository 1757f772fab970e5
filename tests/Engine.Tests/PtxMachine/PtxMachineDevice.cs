using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Inspection;
using Convolve.Inspection.PtxMachine.Devices;

namespace Convolve.Engine.Tests.PtxMachine;

/// <summary>
/// Kernels in their form for CUDA, executed by the PTX machine with its sanitizer: what it finds fails the launch. When all tests of the
/// collection have run, every kernel of the catalogue with a form for GPUs has been launched and compared with its reference.
/// </summary>
public sealed class PtxMachineDevice() : OpenedDevice(DeviceKind.Cuda, KernelShape.Gpu, percentOfCases: 5, largestWork: 60_000)
{
    private readonly PtxDevice machine = new(CudaTarget.Oldest), tensorCores = new(CudaTarget.All[^1]);
    private readonly HashSet<Type> run = [];

    /// <summary>A device of the newest architecture, which multiplies on tensor cores.</summary>
    public Device TensorCores
    {
        get
        {
            if (!tensorCores.Device.UsesTf32) tensorCores.Device.UseTf32();
            return tensorCores.Device;
        }
    }

    /// <summary>The device for tests of a class, of which it notes that they run.</summary>
    public PtxMachineDevice Note<TTests>()
    {
        run.Add(typeof(TTests));
        return this;
    }

    public override void Dispose()
    {
        HashSet<Type> launched = [.. machine.Device.Kernels.Launched, .. tensorCores.Device.Kernels.Launched];
        base.Dispose();
        machine.Dispose();
        tensorCores.Dispose();
        // A part of the tests, as a filter chooses it, shows nothing about the rest.
        if (!Classes().All(run.Contains)) return;
        Assert.Empty(KernelCatalogue.All.Where(kernel => kernel.Gpu is { } form && !launched.Contains(form))
            .Select(kernel => $"{kernel}: no test runs it on the PTX machine"));
    }

    private protected override Device Open() => machine.Device;

    private static IEnumerable<Type> Classes() =>
        typeof(PtxMachineDevice).Assembly.GetTypes().Where(type =>
            type.GetCustomAttributesData().Any(attribute => attribute.AttributeType == typeof(CollectionAttribute)
                && Equals(attribute.ConstructorArguments[0].Value, OnPtxMachine.Name)));
}

[CollectionDefinition(Name)]
public sealed class OnPtxMachine : ICollectionFixture<PtxMachineDevice>
{
    public const string Name = "the PTX machine";
}
