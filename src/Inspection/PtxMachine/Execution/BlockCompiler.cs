using System.Reflection;
using System.Reflection.Emit;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>A call with a warp and numbers as its arguments.</summary>
internal sealed record WarpCall(MethodInfo Method, IReadOnlyList<int> Arguments);

/// <summary>An instruction as calls: what executes it, with what is checked before and noted after.</summary>
/// <param name="Calls">The calls; none for an instruction without effect of its own.</param>
/// <param name="Guard">The row of the predicate that it depends on; null for none.</param>
/// <param name="Negated">Whether it depends on the predicate's being false.</param>
internal sealed record Translation(IReadOnlyList<WarpCall> Calls, int? Guard = null, bool Negated = false);

/// <summary>Makes a .NET method of a basic block: a call for each instruction, or a few.</summary>
internal static class BlockCompiler
{
    private static readonly MethodInfo guard = typeof(Warp).GetMethod(nameof(Warp.Guard))!,
        unguard = typeof(Warp).GetMethod(nameof(Warp.Unguard))!;

    /// <summary>Compiles a block.</summary>
    /// <param name="name">A name for stack traces.</param>
    /// <param name="instructions">Its instructions.</param>
    public static Action<Warp> Compile(string name, IEnumerable<Translation> instructions)
    {
        var method = new DynamicMethod(name, typeof(void), [typeof(Warp)], typeof(Warp).Module, skipVisibility: true);
        var code = method.GetILGenerator();
        foreach (var instruction in instructions.Where(instruction => instruction.Calls.Count > 0))
        {
            var end = code.DefineLabel();
            if (instruction.Guard is { } predicate)
            {
                code.Emit(OpCodes.Ldarg_0);
                code.Emit(OpCodes.Ldc_I4, predicate);
                code.Emit(instruction.Negated ? OpCodes.Ldc_I4_1 : OpCodes.Ldc_I4_0);
                code.Emit(OpCodes.Call, guard);
                code.Emit(OpCodes.Brfalse, end);
            }
            foreach (var call in instruction.Calls)
            {
                code.Emit(OpCodes.Ldarg_0);
                foreach (var argument in call.Arguments) code.Emit(OpCodes.Ldc_I4, argument);
                code.Emit(OpCodes.Call, call.Method);
            }
            code.MarkLabel(end);
            if (instruction.Guard is null) continue;
            code.Emit(OpCodes.Ldarg_0);
            code.Emit(OpCodes.Call, unguard);
        }
        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<Action<Warp>>();
    }
}
