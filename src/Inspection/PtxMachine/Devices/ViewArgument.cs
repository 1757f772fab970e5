using Convolve.Inspection.PtxMachine.Memory;
using ILGPU;
using ILGPU.Runtime;

namespace Convolve.Inspection.PtxMachine.Devices;

/// <summary>A view among a kernel's fields, whose element type is known at run time only.</summary>
internal interface IViewArgument
{
    /// <summary>Lets a launch see a view's memory.</summary>
    /// <param name="view">The view.</param>
    /// <param name="name">Its name in findings.</param>
    /// <param name="memory">The launch's memory.</param>
    /// <returns>What the kernel is passed: the address and the number of elements.</returns>
    (ulong Address, long Length) Map(object view, string name, GlobalMemory memory);
}

/// <summary>A view of elements of a type.</summary>
internal sealed class ViewArgument<T> : IViewArgument where T : unmanaged
{
    public (ulong Address, long Length) Map(object view, string name, GlobalMemory memory)
    {
        var values = (ArrayView<T>)view;
        return values.Length == 0
            ? (memory.Map(name, 0, 0).Address, 0)
            : (memory.Map(name, values.LoadEffectiveAddressAsPtr(), values.LengthInBytes, BeginInBytes(values)).Address, values.Length);
    }

    // ILGPU tells it through interfaces only.
    private static long BeginInBytes<TView>(TView view) where TView : struct, IContiguousArrayView => view.IndexInBytes;
}
