using System.Runtime.InteropServices;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine;

/// <summary>Lays the arguments of a launch down as parameter memory has them: one after the other, each at its alignment.</summary>
/// <param name="kernel">The kernel that takes them.</param>
public sealed class LaunchArguments(PtxKernel kernel)
{
    private readonly byte[] bytes = new byte[kernel.ParameterBytes];
    private int next;

    /// <summary>The arguments so far; zeros for the rest.</summary>
    public ReadOnlySpan<byte> Bytes => bytes;

    /// <summary>Adds a number, or a struct without arrays whose fields lie in memory in their order.</summary>
    /// <exception cref="ArgumentException">The kernel takes something of another length there, or nothing.</exception>
    public LaunchArguments Add<T>(T value) where T : unmanaged => Add(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Adds an array as ILGPU passes a view: its address and its number of elements.</summary>
    /// <typeparam name="T">The type of its elements.</typeparam>
    public LaunchArguments AddView<T>(GlobalArray array) where T : unmanaged => Add((array.Address, array.Bytes / Marshal.SizeOf<T>()));

    private LaunchArguments Add(ReadOnlySpan<byte> value)
    {
        if (next == kernel.Parameters.Count) throw new ArgumentException($"{kernel.Name}: takes {next} arguments, not more");
        var parameter = kernel.Parameters[next++];
        if (value.Length != parameter.Bytes)
            throw new ArgumentException($"{kernel.Name}: {parameter.Name} has {parameter.Bytes} bytes, not {value.Length}");
        value.CopyTo(bytes.AsSpan(parameter.Offset));
        return this;
    }
}
