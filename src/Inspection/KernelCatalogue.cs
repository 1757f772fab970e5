using System.Reflection;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;

namespace Convolve.Inspection;

/// <summary>
/// Every kernel of the engine, in the closed forms that are launched: what its <see cref="KernelAttribute"/>s name. The tests compile all
/// of them for every architecture, and fail when a kernel without a name is written or launched.
/// </summary>
public static class KernelCatalogue
{
    /// <summary>All kernels, operation by operation.</summary>
    public static IReadOnlyList<CataloguedKernel> All { get; } =
    [
        .. from type in typeof(IKernel).Assembly.GetTypes()
           from attribute in type.GetCustomAttributes<KernelAttribute>()
           let kernel = type.IsGenericTypeDefinition ? type.MakeGenericType([.. attribute.Arguments]) : type
           group (attribute, kernel) by attribute.Name into texts
           let described = new CataloguedKernel([.. texts])
           orderby described.Operation, described.Name
           select described,
    ];

    /// <summary>The kernel of a name, or null.</summary>
    public static CataloguedKernel? Find(string name) =>
        All.FirstOrDefault(kernel => kernel.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The kernel of a launch on a GPU, by its name in C#; null for kernels of users.</summary>
    public static CataloguedKernel? OfLaunch(string name) =>
        All.FirstOrDefault(kernel => kernel.Gpu is { } form && KernelForm.NameOf(form) == name);

    /// <summary>
    /// The engine's kernels that a device has launched but that are missing here; the tests demand that there are none. A user's own
    /// kernels (<see cref="IKernel"/>) do not count, nor does the loop around them.
    /// </summary>
    internal static IReadOnlyList<string> Uncatalogued(Device device)
    {
        var known = All.SelectMany(kernel => kernel.Forms).ToHashSet();
        return
        [
            .. device.Kernels.Launched
                .Where(launched => KernelForm.Written(launched).Assembly == typeof(IKernel).Assembly && !known.Contains(launched))
                .Select(KernelForm.NameOf),
        ];
    }
}
