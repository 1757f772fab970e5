using System.Linq.Expressions;
using System.Reflection;
using Convolve.Engine.Tensors;
using ILGPU;

namespace Convolve.Engine.Devices;

/// <summary>
/// Finds the views in an argument of a kernel, however deep in nested structs they are, and has the device check each of them. Which fields
/// lead to a view is found out once for each type; what then runs at every launch reads those fields and nothing else.
/// </summary>
internal static class ArgumentViews<T> where T : struct
{
    /// <summary>Checks every view of an argument; null for a type without any.</summary>
    public static readonly Action<Device, Delegate, T>? Check = Build(out Count);

    /// <summary>How many views an argument holds.</summary>
    public static readonly int Count;

    private static Action<Device, Delegate, T>? Build(out int count)
    {
        var device = Expression.Parameter(typeof(Device), "device");
        var kernel = Expression.Parameter(typeof(Delegate), "kernel");
        var argument = Expression.Parameter(typeof(T), "argument");
        var checks = new List<Expression>();
        Collect(argument, inFours: true);
        count = checks.Count;
        return checks.Count == 0
            ? null
            : Expression.Lambda<Action<Device, Delegate, T>>(Expression.Block(checks), device, kernel, argument).Compile();

        void Collect(Expression value, bool inFours)
        {
            if (value.Type.IsGenericType && value.Type.GetGenericTypeDefinition() == typeof(ArrayView<>))
            {
                checks.Add(Expression.Call(device, nameof(Device.CheckView), value.Type.GetGenericArguments(), kernel, value, Expression.Constant(inFours)));
                return;
            }
            if (value.Type.IsPrimitive || value.Type.IsEnum || !value.Type.IsValueType) return;
            // A kernel of a user's own reaches its values one by one, so they may begin anywhere.
            var fours = inFours && value.Type != typeof(Values);
            foreach (var field in value.Type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
                Collect(Expression.Field(value, field), fours);
        }
    }
}
