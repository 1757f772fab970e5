using System.Linq.Expressions;
using System.Reflection;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Kernels;

/// <summary>
/// Finds the views among a kernel's fields, however deep in nested structs they are, and has the launcher check each of them. Which fields
/// lead to a view is found out once for each kernel; what then runs at every launch reads those fields and nothing else.
/// </summary>
internal static class KernelViews<T> where T : struct
{
    /// <summary>Checks every view; null for a type without any.</summary>
    public static readonly Action<KernelLauncher, T>? Check = Build(out Count);

    /// <summary>How many views there are.</summary>
    public static readonly int Count;

    /// <summary>The views among a kernel's fields.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <returns>Each view, and whether the kernel may move four of its elements at once.</returns>
    public static IReadOnlyList<(Expression View, bool InFours)> Of(Expression kernel)
    {
        var views = new List<(Expression, bool)>();
        Collect(kernel, inFours: true);
        return views;

        void Collect(Expression value, bool inFours)
        {
            if (value.Type.IsGenericType && value.Type.GetGenericTypeDefinition() == typeof(ArrayView<>))
            {
                views.Add((value, inFours));
                return;
            }
            if (value.Type.IsPrimitive || value.Type.IsEnum || !value.Type.IsValueType) return;
            // A kernel of a user's own reaches its values one by one, so they may begin anywhere.
            var fours = inFours && value.Type != typeof(Values);
            foreach (var field in value.Type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
                Collect(Expression.Field(value, field), fours);
        }
    }

    private static Action<KernelLauncher, T>? Build(out int count)
    {
        var launcher = Expression.Parameter(typeof(KernelLauncher), "launcher");
        var kernel = Expression.Parameter(typeof(T), "kernel");
        var checks = Of(kernel).Select(found => Expression.Call(
            launcher, nameof(KernelLauncher.CheckView), found.View.Type.GetGenericArguments(),
            Expression.Constant(typeof(T)), found.View, Expression.Constant(found.InFours))).ToArray();
        count = checks.Length;
        return checks.Length == 0
            ? null
            : Expression.Lambda<Action<KernelLauncher, T>>(Expression.Block(checks), launcher, kernel).Compile();
    }
}
