using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Sampling;

/// <summary>A launch with its counts: of a device that only counts (<see cref="Devices.PtxDevice.Counting"/>), or of one that computes
/// and was asked to count.</summary>
/// <param name="Name">The kernel's name in C#.</param>
/// <param name="Grid">Groups.</param>
/// <param name="GroupSize">Threads of a group.</param>
/// <param name="Arguments">The bytes of its argument; addresses are those of <see cref="Arrays"/>.</param>
/// <param name="Arrays">The arrays among its arguments, in their order, with what is moved from and to them.</param>
/// <param name="Counts">What all groups together execute.</param>
/// <param name="ExecutedGroups">The groups that were executed to know it.</param>
public sealed record RecordedLaunch(
    string Name, Extent Grid, Extent GroupSize, ReadOnlyMemory<byte> Arguments, IReadOnlyList<ArrayTraffic> Arrays, LaunchCounts Counts,
    int ExecutedGroups)
{
    /// <summary>Whether the counts would be others if arrays held other values than zeros: see <see cref="AddressSlice"/>.</summary>
    public bool DependsOnValues => AddressSlice.Of(Counts.Kernel).DependsOnValues;

    /// <summary>Whether the counts are scaled up from a part of the groups.</summary>
    public bool IsSampled => ExecutedGroups < Grid.Size;
}

/// <summary>What a launch moves from and to one of its arrays.</summary>
/// <param name="Name">The array's name among the kernel's fields.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="LoadedSectors">Sectors of 32 bytes that requests of warps read.</param>
/// <param name="StoredSectors">Sectors that they write.</param>
public sealed record ArrayTraffic(string Name, long Bytes, long LoadedSectors, long StoredSectors);
