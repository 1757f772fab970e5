using System.Reflection;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;

namespace Convolve.Inspection;

/// <summary>A kernel of the engine: one struct with everything generic in it filled in, for CPUs, for GPUs, or for both.</summary>
public sealed class CataloguedKernel
{
    /// <summary>A kernel as its attributes describe it: one for each text.</summary>
    internal CataloguedKernel(IReadOnlyList<(KernelAttribute Attribute, Type Kernel)> texts)
    {
        var attribute = texts[0].Attribute;
        Name = attribute.Name;
        Operation = attribute.Operation;
        var traits = texts[0].Kernel.GetCustomAttribute<KernelTraitsAttribute>() ?? new();
        IsHot = traits.IsHot;
        IsCudaOnly = traits.IsCudaOnly;
        MinimalArchitecture = CudaTarget.All.First(target => target.Number >= traits.MinimalArchitecture);
        Cpu = Form(KernelTarget.Cpu);
        Gpu = Form(KernelTarget.Gpu);
        HasVectorLoads = Gpu is not null && (traits.HasVectorLoads || KernelForm.MovesFours(texts[0].Kernel));

        Type? Form(KernelTarget target) => texts.Where(text => text.Attribute.Target == target || text.Attribute.Target == KernelTarget.Any)
            .Select(text => KernelForm.Of(text.Kernel, target)).OfType<Type>().SingleOrDefault();
    }

    /// <summary>Its name on the command line, e.g. <c>convolution-forward-gpu</c>.</summary>
    public string Name { get; }

    /// <summary>The operation that it belongs to, e.g. <c>convolution</c>.</summary>
    public string Operation { get; }

    /// <summary>For which hardware it is written.</summary>
    public KernelTarget Target => Cpu is null ? KernelTarget.Gpu : Gpu is null ? KernelTarget.Cpu : KernelTarget.Any;

    /// <summary>Whether it has a form for GPUs.</summary>
    public bool RunsOnGpus => Gpu is not null;

    /// <summary>The oldest NVIDIA architecture that can run it.</summary>
    public CudaTarget MinimalArchitecture { get; internal init; } = CudaTarget.Oldest;

    /// <summary>
    /// Whether it decides how long a training step takes: matrix products, every algorithm of convolution, pooling, optimizer updates.
    /// </summary>
    public bool IsHot { get; internal init; }

    /// <summary>
    /// Whether its form for GPUs moves four floats at a time from and to global memory, as every hot one does. The others read
    /// neighbouring floats in neighbouring threads, which the hardware joins to whole lines.
    /// </summary>
    public bool HasVectorLoads { get; internal init; }

    /// <summary>Whether it exists as PTX only, for it is made of instructions that OpenCL does not have.</summary>
    public bool IsCudaOnly { get; internal init; }

    /// <summary>The kernel whose OpenCL is shown: the form for CPUs where there is one, since OpenCL also runs without a GPU.</summary>
    public string OpenClForm => KernelForm.NameOf(Cpu ?? Gpu!);

    /// <summary>The kernel whose PTX is shown: the form for GPUs where there is one.</summary>
    public string PtxForm => KernelForm.NameOf(Gpu ?? Cpu!);

    /// <summary>The closed kernel in its loop for CPUs.</summary>
    internal Type? Cpu { get; }

    /// <summary>The closed kernel in its loop for GPUs.</summary>
    internal Type? Gpu { get; }

    /// <summary>Every form that is launched.</summary>
    internal IEnumerable<Type> Forms => new[] { Cpu, Gpu }.OfType<Type>().Distinct();

    /// <inheritdoc/>
    public override string ToString() => Name;
}
