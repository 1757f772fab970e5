using System.Reflection;
using Convolve.Engine.Devices;

namespace Convolve.Inspection;

/// <summary>For which hardware a kernel is written.</summary>
public enum KernelTarget
{
    /// <summary>Processors: work-groups of one, loops that the compiler turns into vectors.</summary>
    Cpu,

    /// <summary>GPUs: many threads to a group.</summary>
    Gpu,

    /// <summary>Both, from one text.</summary>
    Any,
}

/// <summary>A kernel of the engine: one C# method with everything generic in it filled in, for processors, for GPUs, or for both.</summary>
public sealed class CataloguedKernel
{
    internal CataloguedKernel(string name, string operation, Delegate? cpu, Delegate? gpu)
    {
        Name = name;
        Operation = operation;
        Cpu = cpu?.Method;
        Gpu = gpu?.Method;
    }

    /// <summary>Its name on the command line, e.g. <c>convolution-forward-gpu</c>.</summary>
    public string Name { get; }

    /// <summary>The operation that it belongs to, e.g. <c>convolution</c>.</summary>
    public string Operation { get; }

    /// <summary>For which hardware it is written.</summary>
    public KernelTarget Target => Cpu is null ? KernelTarget.Gpu : Gpu is null ? KernelTarget.Cpu : KernelTarget.Any;

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

    /// <summary>The closed method whose OpenCL is shown: the one for processors where there is one, since OpenCL also runs without a GPU.</summary>
    public string OpenClForm => Describe(Cpu ?? Gpu!);

    /// <summary>The closed method whose PTX is shown: the one for GPUs where there is one.</summary>
    public string PtxForm => Describe(Gpu ?? Cpu!);

    /// <summary>The method for processors, closed.</summary>
    internal MethodInfo? Cpu { get; }

    /// <summary>The method for GPUs, closed.</summary>
    internal MethodInfo? Gpu { get; }

    /// <summary>Every closed method.</summary>
    internal IEnumerable<MethodInfo> Methods => new[] { Cpu, Gpu }.OfType<MethodInfo>().Distinct();

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static string Describe(MethodInfo method)
    {
        var arguments = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(type => type.Name))}>" : "";
        return $"{method.DeclaringType!.Name}.{method.Name}{arguments}";
    }
}
