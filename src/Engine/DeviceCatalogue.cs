using System.Diagnostics.CodeAnalysis;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Measurement;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine;

/// <summary>
/// Finds the devices of this machine, chooses one and opens it. Together with <see cref="KernelCompiler"/>, the only place that
/// distinguishes CUDA from OpenCL.
/// </summary>
public sealed class DeviceCatalogue : IDisposable
{
    private readonly Context context;
    private readonly List<Devices.Device> opened = [];
    private readonly string? openClProblem;
    private bool disposed;
    private readonly Dictionary<DeviceDescription, ILGPU.Runtime.Device> found = new(ReferenceEqualityComparer.Instance);

    /// <summary>Looks for devices through CUDA and OpenCL; ILGPU's CPU accelerator is always there.</summary>
    public DeviceCatalogue()
    {
        OpenClLibrary.Register();
        (context, openClProblem) = Create(
            builder => builder.Cuda().OpenCL(_ => true),
            builder => builder.Cuda(),
            builder => builder);
        foreach (var device in context.Devices) found.Add(Describe(device), device);
        Devices = [.. found.Keys.OrderBy(d => d.Kind).ThenByDescending(d => d.MemoryBytes)];
        if (openClProblem is null && !Devices.Any(d => d.Kind is DeviceKind.OpenClGpu or DeviceKind.OpenClCpu))
            openClProblem = OpenClPlatforms.Problem();
    }

    /// <summary>All devices, best first: CUDA, OpenCL GPU, OpenCL CPU, ILGPU's CPU accelerator.</summary>
    public IReadOnlyList<DeviceDescription> Devices { get; }

    /// <summary>
    /// Changes made so that PoCL works here, such as a setting that would crash the process; part of the reason that <see cref="Choose"/>
    /// gives for a PoCL device.
    /// </summary>
    public static IReadOnlyList<string> Notes => OpenClLibrary.Notes;

    /// <summary>Why there is no OpenCL device and how to get one; null if there is one.</summary>
    private string MissingOpenCl => openClProblem ?? $"no OpenCL was found; {InstallAdvice}";

    /// <summary>
    /// Chooses a device. <c>auto</c> takes the best; <c>cuda</c>, <c>opencl</c>, <c>cpu</c> or a part of a name force one.
    /// </summary>
    /// <exception cref="DeviceException">The requested device is missing; the message lists the available ones.</exception>
    public DeviceChoice Choose(string request = "auto")
    {
        if (request.Equals("auto", StringComparison.OrdinalIgnoreCase))
        {
            var best = Devices[0];
            return new DeviceChoice(best, best.Kind switch
            {
                DeviceKind.Cuda => "an NVIDIA GPU is the fastest device",
                DeviceKind.OpenClGpu => "no CUDA device, but a GPU with OpenCL",
                DeviceKind.OpenClCpu => WithNotes(best, "no GPU found; OpenCL on the CPU is the fastest device here"),
                _ => $"no GPU found, and {MissingOpenCl}; this is ILGPU's debugging device, some hundred times slower",
            });
        }
        var match = Devices.FirstOrDefault(d => d.KindName.Equals(request, StringComparison.OrdinalIgnoreCase))
            ?? Devices.FirstOrDefault(d => d.Name.Contains(request, StringComparison.OrdinalIgnoreCase));
        if (match is null)
        {
            var all = string.Join(", ", Devices.Select(d => $"{d.KindName} ({d.Name})"));
            var advice = request.Equals("opencl", StringComparison.OrdinalIgnoreCase) ? $"; {MissingOpenCl}" : "";
            throw new DeviceException($"--device {request}: no such device on this machine; found: {all}{advice}");
        }
        return new DeviceChoice(match, WithNotes(match, $"asked for by --device {request}"));
    }

    private static string WithNotes(DeviceDescription device, string reason) =>
        OpenClPlatforms.IsPocl(device.Driver) ? string.Join("; ", [reason, .. Notes]) : reason;

    /// <summary>The version of ILGPU, which turns the kernels into the device's code.</summary>
    public static string CompilerVersion => typeof(Context).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>How to get a fast device on a machine without a GPU.</summary>
    public static string InstallAdvice => OperatingSystem.IsLinux()
        ? "install the OpenCL CPU runtime: apt-get install pocl-opencl-icd ocl-icd-libopencl1"
        : OperatingSystem.IsWindows()
            ? "install your GPU's driver or the Intel OpenCL CPU runtime"
            : "install an OpenCL runtime, for example PoCL";

    /// <summary>Opens a device of this catalogue and tests its arithmetic.</summary>
    /// <param name="description">One of <see cref="Devices"/>.</param>
    /// <param name="shape">The kernel variant to run; by default the one for the device.</param>
    /// <exception cref="DeviceException">It cannot be opened or computes wrong results.</exception>
    /// <exception cref="ObjectDisposedException">The catalogue was disposed.</exception>
    public Devices.Device Open(DeviceDescription description, KernelShape? shape = null)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        Accelerator? accelerator = null;
        Devices.Device device;
        try
        {
            accelerator = Create(found[description]);
            device = new Devices.Device(description, context, accelerator, shape ?? description.Shape);
        }
        catch (Exception e)
        {
            accelerator?.Dispose();
            throw new DeviceException($"device {description} cannot be opened: {DeviceException.Reason(e)}", e);
        }
        try
        {
            DeviceSelfTest.Run(device);
            lock (opened) opened.Add(device);
            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Disposes every device opened here, because devices cannot be used without the catalogue.</summary>
    public void Dispose()
    {
        lock (opened)
        {
            if (disposed) return;
            disposed = true;
            foreach (var device in opened) device.Dispose();
        }
        context.Dispose();
    }

    /// <summary>
    /// The context of the first set of drivers that lists its devices without an error, and the errors of earlier sets: a broken driver
    /// must not affect the others.
    /// </summary>
    private static (Context Context, string? Problem) Create(params ReadOnlySpan<Func<Context.Builder, Context.Builder>> drivers)
    {
        string? problem = null;
        foreach (var add in drivers)
        {
            try
            {
                return (Context.Create(
                    builder => KernelCompiler.Configure(add(builder).CPU(new CPUDevice(2, 1, Environment.ProcessorCount)))), problem);
            }
            catch (AcceleratorException e)
            {
                problem = $"a driver failed when it was asked for its devices: {DeviceException.Reason(e)}";
            }
        }
        throw new DeviceException(problem!);
    }

    private Accelerator Create(ILGPU.Runtime.Device device)
    {
        if (device is CLDevice opencl) AllowMissingGenericAddressSpace(opencl);
        return device.CreateAccelerator(context);
    }

    /// <summary>
    /// PoCL 3 and many drivers for GPUs, NVIDIA's among them, report no generic address space, for which ILGPU refuses them. The engine's
    /// kernels have no generic pointers in their OpenCL source, so the flag may be set; the self-test that follows confirms it on this
    /// machine.
    /// </summary>
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "ILGPU is never trimmed.")]
    private static void AllowMissingGenericAddressSpace(CLDevice device)
    {
        var property = device.Capabilities.GetType().GetProperty(nameof(CLCapabilityContext.GenericAddressSpace))
            ?? throw new DeviceException("this version of ILGPU has no capability GenericAddressSpace: OpenCL cannot be used with it");
        property.SetValue(device.Capabilities, true);
    }

    private static DeviceDescription Describe(ILGPU.Runtime.Device device) => device switch
    {
        CudaDevice cuda => new(cuda.Name, DeviceKind.Cuda, cuda.MemorySize, cuda.MemorySize, cuda.NumMultiprocessors,
            $"CUDA driver {cuda.DriverVersion}, {cuda.Architecture}"),
        CLDevice cl when cl.DeviceType.HasFlag(CLDeviceType.CL_DEVICE_TYPE_CPU) => new(
            DeviceDescription.NameOfProcessor(cl.Name.Trim(), cl.NumMultiprocessors), DeviceKind.OpenClCpu,
            cl.MemorySize, LargestAllocation(cl), cl.NumMultiprocessors, $"{cl.PlatformName}, {cl.DeviceVersion}"),
        CLDevice cl => new(cl.Name.Trim(), DeviceKind.OpenClGpu,
            cl.MemorySize, LargestAllocation(cl), cl.NumMultiprocessors, $"{cl.PlatformName}, {cl.DeviceVersion}"),
        _ => new(DeviceDescription.NameOfProcessor("ILGPU CPU", Environment.ProcessorCount), DeviceKind.IlgpuCpu,
            GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, int.MaxValue, Environment.ProcessorCount,
            $"ILGPU {CompilerVersion}"),
    };

    // PoCL offers larger buffers if there is much memory, but a training with a single buffer of 2190 MiB crashed
    // inside a kernel; with smaller ones it does not.
    private const long LargestReachable = int.MaxValue;

    private static long LargestAllocation(CLDevice device)
    {
        try
        {
            return Math.Min(LargestReachable,
                CLAPI.CurrentAPI.GetDeviceInfo<long>(device.DeviceId, CLDeviceInfoType.CL_DEVICE_MAX_MEM_ALLOC_SIZE));
        }
        catch (CLException)
        {
            return Math.Min(LargestReachable, device.MemorySize);
        }
    }
}

/// <summary>A device and the reason for choosing it, shown at start-up.</summary>
public sealed record DeviceChoice(DeviceDescription Device, string Reason);
