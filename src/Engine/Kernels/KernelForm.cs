using System.Reflection;

namespace Convolve.Engine.Kernels;

/// <summary>What is launched of a kernel: the struct that its author wrote, inside the loop that its interface asks for.</summary>
internal static class KernelForm
{
    private static readonly MethodInfo entry = typeof(KernelLauncher)
        .GetMethod(nameof(KernelLauncher.Entry), BindingFlags.Static | BindingFlags.NonPublic)!;

    private static readonly Type[] loops = [typeof(Items<,>), typeof(Elements<,>), typeof(Pixels<,>), typeof(Workers<>)];

    /// <summary>A closed kernel in its loop, for CPUs or for GPUs; null where it has no such form.</summary>
    public static Type? Of(Type kernel, KernelTarget target)
    {
        var cpu = target == KernelTarget.Cpu;
        if (kernel.IsAssignableTo(typeof(IKernel)))
            return typeof(Items<,>).MakeGenericType(cpu ? typeof(SpanPerItem) : typeof(GridStride), kernel);
        if (kernel.IsAssignableTo(typeof(IElementKernel)))
            return typeof(Elements<,>).MakeGenericType(cpu ? typeof(SpanPerItem) : typeof(GridStride), kernel);
        if (kernel.IsAssignableTo(typeof(IPixelKernel)))
            return typeof(Pixels<,>).MakeGenericType(cpu ? typeof(PixelSpan) : typeof(PixelThreads), kernel);
        if (kernel.IsAssignableTo(typeof(IWorkerKernel))) return cpu ? typeof(Workers<>).MakeGenericType(kernel) : null;
        return kernel;
    }

    /// <summary>Whether the loop around a kernel moves four floats at a time on GPUs.</summary>
    public static bool MovesFours(Type kernel) => kernel.IsAssignableTo(typeof(IElementKernel))
        || kernel.IsAssignableTo(typeof(IPixelKernel));

    /// <summary>The kernel as its author wrote it, closed, without the loop.</summary>
    public static Type Written(Type launched) =>
        launched.IsGenericType && loops.Contains(launched.GetGenericTypeDefinition()) ? launched.GetGenericArguments()[^1] : launched;

    /// <summary>A kernel's name as C# writes it, for messages: <c>ActivationForward&lt;Relu&gt;</c>.</summary>
    public static string NameOf(Type launched)
    {
        var kernel = Written(launched);
        var name = kernel.Name.Split('`')[0];
        return kernel.IsGenericType ? $"{name}<{string.Join(", ", kernel.GetGenericArguments().Select(NameOf))}>" : name;
    }

    /// <summary>The name by which <c>kernels list</c> knows a kernel: <c>relu-forward</c>; for a user's own kernel that of
    /// <see cref="NameOf"/>.</summary>
    public static string ListedNameOf(Type launched)
    {
        var kernel = Written(launched);
        var arguments = kernel.IsGenericType ? kernel.GetGenericArguments() : [];
        return kernel.GetCustomAttributes<KernelAttribute>().FirstOrDefault(attribute => attribute.Arguments.SequenceEqual(arguments))?.Name
            ?? NameOf(launched);
    }

    /// <summary>The method that is compiled.</summary>
    public static MethodInfo Entry(Type launched) => entry.MakeGenericMethod(launched);

    /// <summary>The kernel's name in compiled code: that of its <see cref="KernelAttribute"/>, or of its struct where it has
    /// none.</summary>
    public static string EntryName(Type launched)
    {
        var kernel = Written(launched);
        var attributes = kernel.GetCustomAttributes<KernelAttribute>();
        var closed = attributes.FirstOrDefault(attribute => attribute.Arguments.SequenceEqual(kernel.GetGenericArguments()));
        return (closed?.Name ?? kernel.Name.Split('`')[0]).Replace('-', '_');
    }
}
