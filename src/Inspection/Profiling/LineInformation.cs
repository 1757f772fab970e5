using System.Reflection;
using ILGPU;

namespace Convolve.Inspection.Profiling;

/// <summary>Makes ILGPU 1.5.3 write the lines of C# into PTX.</summary>
/// <remarks>
/// Two things are missing there. The builder's method that should choose the mode leaves it unchanged, so the property is set. And symbols
/// are looked up by method: a method of a closed generic type, as most kernels are, is not the method of the open type that the symbols
/// have. Both have the same metadata token, so methods are compared by it here.
/// </remarks>
internal static class LineInformation
{
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>Asks for lines in compiled code.</summary>
    public static Context.Builder Enable(Context.Builder builder)
    {
        var mode = typeof(ContextProperties).GetProperty(nameof(ContextProperties.DebugSymbolsMode), Members) ?? throw Unknown();
        // The mode before this one, Kernel, writes nothing.
        mode.SetValue(builder, DebugSymbolsMode.KernelSourceAnnotations);
        return builder;
    }

    /// <summary>Reads the symbols of an assembly, if there are any.</summary>
    public static void ReadSymbols(Context context, Assembly assembly)
    {
        var manager = typeof(Context).GetProperty("DebugInformationManager", Members)?.GetValue(context) ?? throw Unknown();
        var load = manager.GetType().GetMethods(Members)
            .Single(method => method.Name == "TryLoadSymbols" && method.GetParameters().Length == 2);
        object?[] arguments = [assembly, null];
        if (!(bool)load.Invoke(manager, arguments)!) return;
        var methods = arguments[1]!.GetType().GetField("debugInformation", Members) ?? throw Unknown();
        methods.SetValue(arguments[1], Activator.CreateInstance(methods.FieldType, methods.GetValue(arguments[1]), new ByToken()));
    }

    private static InvalidOperationException Unknown() =>
        new("this version of ILGPU keeps its line information elsewhere than version 1.5.3");

    private sealed class ByToken : IEqualityComparer<MethodBase>
    {
        public bool Equals(MethodBase? x, MethodBase? y) => x!.Module == y!.Module && x.MetadataToken == y.MetadataToken;

        public int GetHashCode(MethodBase method) => method.MetadataToken;
    }
}
