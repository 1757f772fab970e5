using System.Text.RegularExpressions;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Inspection;

/// <summary>Compiles kernels to the text that a driver would get, on a machine that has neither the driver nor its hardware.</summary>
public sealed partial class KernelCode : IDisposable
{
    private readonly Context context;
    private readonly bool hasLines;
    private readonly Dictionary<CudaTarget, PTXBackend> ptx = [];
    private CLBackend? openCl;

    /// <summary>Compiles kernels as drivers get them.</summary>
    public KernelCode() => context = NewContext(builder => builder);

    private KernelCode(Context context)
    {
        this.context = context;
        hasLines = true;
    }

    /// <summary>
    /// Compiles kernels with the lines of C# that instructions come from (<c>.loc</c>), if the symbols (.pdb) of the engine lie beside its
    /// assembly. The instructions are the same.
    /// </summary>
    /// <exception cref="InvalidOperationException">This version of ILGPU cannot.</exception>
    internal static KernelCode WithLines()
    {
        var context = NewContext(Profiling.LineInformation.Enable);
        Profiling.LineInformation.ReadSymbols(context, typeof(IKernel).Assembly);
        return new KernelCode(context);
    }

    /// <summary>The OpenCL source of a kernel: of its form for CPUs where it has one, since that is where OpenCL runs without a
    /// GPU.</summary>
    /// <exception cref="InvalidOperationException">The kernel <see cref="CataloguedKernel.IsCudaOnly"/>.</exception>
    public string OpenCl(CataloguedKernel kernel)
    {
        if (kernel.IsCudaOnly) throw new InvalidOperationException($"{kernel}: exists as PTX only");
        return OpenCl(kernel.Cpu ?? kernel.Gpu!);
    }

    /// <summary>The PTX of a kernel: of its form for GPUs where it has one.</summary>
    /// <remarks>
    /// ILGPU 1.5.3 writes <c>.target sm_80</c> for everything newer, too, since nothing in the text asks for more, and leaves the rest to
    /// the driver. Here that line names the architecture that was asked for.
    /// </remarks>
    /// <exception cref="ArgumentException">The architecture is older than the kernel's
    /// <see cref="CataloguedKernel.MinimalArchitecture"/>.</exception>
    public string Ptx(CataloguedKernel kernel, CudaTarget target)
    {
        if (target.Number < kernel.MinimalArchitecture.Number)
            throw new ArgumentException($"{kernel}: needs {kernel.MinimalArchitecture} or newer, not {target}");
        return Ptx(kernel.Gpu ?? kernel.Cpu!, target);
    }

    /// <summary>The OpenCL source of a kernel of one's own, in the shape for CPUs.</summary>
    public string OpenCl<TKernel>() where TKernel : struct, IKernel => OpenCl(typeof(Items<SpanPerItem, TKernel>));

    /// <summary>The PTX of a kernel of one's own.</summary>
    public string Ptx<TKernel>(CudaTarget target) where TKernel : struct, IKernel => Ptx(typeof(Items<GridStride, TKernel>), target);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var backend in ptx.Values) backend.Dispose();
        openCl?.Dispose();
        context.Dispose();
    }

    internal string OpenCl(Type kernel)
    {
        // What a driver reports does not change the text of these kernels: they use no half or double, no atomics, no sub-groups.
        openCl ??= new CLBackend(context, new CLCapabilityContext(false, false, true, true, true), CLDeviceVendor.Other, CLCVersion.CL12);
        return KernelCompiler.OpenClSource((CLCompiledKernel)KernelCompiler.Compile(openCl, KernelForm.Entry(kernel)));
    }

    internal string Ptx(Type kernel, CudaTarget target)
    {
        if (!ptx.TryGetValue(target, out var backend))
        {
            backend = new PTXBackend(context, new CudaCapabilityContext(target.Architecture), target.Architecture,
                CudaInstructionSet.ISA_80, null!);
            ptx.Add(target, backend);
        }
        var text = ((PTXCompiledKernel)KernelCompiler.Compile(backend, KernelForm.Entry(kernel))).PTXAssembly;
        // Beside each location ILGPU copies the source there as a comment.
        if (hasLines) text = SourceComment().Replace(text, "");
        return TargetLine().Replace(text, $".target {target}");
    }

    private static Context NewContext(Func<Context.Builder, Context.Builder> settings) =>
        Context.Create(builder => settings(KernelCompiler.Configure(builder.CPU(new CPUDevice(2, 1, 1)))));

    [GeneratedRegex(@"^\t// .*\n", RegexOptions.Multiline)]
    private static partial Regex SourceComment();

    [GeneratedRegex(@"\.target sm_\d+")]
    private static partial Regex TargetLine();
}
