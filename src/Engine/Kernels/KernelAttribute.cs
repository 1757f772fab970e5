namespace Convolve.Engine.Kernels;

/// <summary>For which hardware a kernel is written.</summary>
public enum KernelTarget
{
    /// <summary>CPUs: work-groups of one, loops that the compiler turns into vectors.</summary>
    Cpu,

    /// <summary>GPUs: many threads to a group.</summary>
    Gpu,

    /// <summary>Both, from one text.</summary>
    Any,
}

/// <summary>
/// Names a kernel of the engine: <c>kernels list</c> and the tests know every kernel by this. A generic struct carries one for each closed
/// form that is launched. A kernel that has one text for CPUs and one for GPUs carries the same name on both.
/// </summary>
/// <param name="name">The name on the command line, e.g. <c>relu-forward</c>.</param>
/// <param name="operation">The operation that it belongs to, e.g. <c>activation</c>.</param>
/// <param name="arguments">The type arguments of the closed form.</param>
[AttributeUsage(AttributeTargets.Struct, AllowMultiple = true)]
public sealed class KernelAttribute(string name, string operation, params Type[] arguments) : Attribute
{
    /// <summary>The name on the command line.</summary>
    public string Name { get; } = name;

    /// <summary>The operation that it belongs to.</summary>
    public string Operation { get; } = operation;

    /// <summary>The type arguments of the closed form.</summary>
    public IReadOnlyList<Type> Arguments { get; } = arguments;

    /// <summary>For which hardware it is written; a kernel whose workers share a queue is for CPUs in any case.</summary>
    public KernelTarget Target { get; init; } = KernelTarget.Any;
}

/// <summary>What is true of all closed forms of a kernel and does not follow from its text.</summary>
[AttributeUsage(AttributeTargets.Struct)]
public sealed class KernelTraitsAttribute : Attribute
{
    /// <summary>Whether it decides how long a training step takes: products, convolutions, pooling, optimizer updates.</summary>
    public bool IsHot { get; init; }

    /// <summary>
    /// Whether its form for GPUs moves four floats at a time. Said only where the loop does not say it: those over elements and pixels do.
    /// </summary>
    public bool HasVectorLoads { get; init; }

    /// <summary>The oldest NVIDIA architecture that can run it, 80 for <c>sm_80</c>; 0 for any.</summary>
    public int MinimalArchitecture { get; init; }

    /// <summary>Whether it exists as PTX only, for it is made of instructions that OpenCL does not have.</summary>
    public bool IsCudaOnly { get; init; }
}
