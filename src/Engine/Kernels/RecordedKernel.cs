using System.Linq.Expressions;
using ILGPU;

namespace Convolve.Engine.Kernels;

/// <summary>What a trace tells about a kernel. It is found out when the kernel is first recorded.</summary>
internal static class RecordedKernel<T> where T : struct
{
    /// <summary>The kernel's name in the catalogue.</summary>
    public static string Name { get; } = KernelForm.ListedNameOf(typeof(T));

    /// <summary>
    /// Bytes of all views among a kernel's fields: what it moves if it reads or writes each element once. Scratch memory counts as a whole.
    /// </summary>
    public static Func<T, long> BytesOf { get; } = Build();

    private static Func<T, long> Build()
    {
        var kernel = Expression.Parameter(typeof(T), "kernel");
        Expression sum = Expression.Constant(0L);
        foreach (var (view, _) in KernelViews<T>.Of(kernel))
            sum = Expression.Add(sum, Expression.Property(view, nameof(ArrayView<>.LengthInBytes)));
        return Expression.Lambda<Func<T, long>>(sum, kernel).Compile();
    }
}
