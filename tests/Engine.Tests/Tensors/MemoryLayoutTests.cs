using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Tensors;

/// <summary>Blocks in use at the same time never overlap, for any order of renting and returning.</summary>
public sealed class MemoryLayoutTests
{
    private const long Slab = 1000;

    [Fact]
    public void BlocksInUseTogetherLieApart() =>
        RandomCases.ForAll(Gen.Choose(0, int.MaxValue - 1), 200, seed =>
        {
            var random = new Random(seed);
            var layout = new MemoryLayout();
            var (sizes, live, together) = (new List<long>(), new List<int>(), new List<int[]>());
            long inUse = 0, peak = 0;
            for (var step = 0; step < 60; step++)
                if (live.Count > 0 && random.Next(5) < 2)
                {
                    var at = random.Next(live.Count);
                    layout.Return(live[at]);
                    inUse -= sizes[live[at]];
                    live.RemoveAt(at);
                }
                else
                {
                    sizes.Add(random.Next(1, random.Next(3) == 0 ? (int)Slab + 1 : 50));
                    live.Add(layout.Rent(sizes[^1]));
                    inUse += sizes[^1];
                    peak = Math.Max(peak, inUse);
                    together.Add([.. live]);
                }
            var kept = live.Count > 1 ? live[0] : -1;
            foreach (var block in live.Where(b => b != kept)) layout.Return(block);
            layout.Place(Slab);
            Assert.Equal(kept < 0, Enumerable.Range(0, sizes.Count).All(layout.HasPlace));
            foreach (var blocks in together)
            {
                var placed = blocks.Where(layout.HasPlace).OrderBy(layout.Begin).ToArray();
                for (var i = 1; i < placed.Length; i++)
                    Assert.True(layout.Begin(placed[i - 1]) + sizes[placed[i - 1]] <= layout.Begin(placed[i]),
                        $"blocks {placed[i - 1]} and {placed[i]} overlap");
            }
            foreach (var block in Enumerable.Range(0, sizes.Count).Where(layout.HasPlace))
            {
                Assert.Equal(layout.Begin(block) / Slab, (layout.Begin(block) + sizes[block] - 1) / Slab);
                Assert.True(layout.Begin(block) + sizes[block] <= layout.Length);
            }
            Assert.True(kept >= 0 || layout.Length >= peak);
        });

    [Fact]
    public void ALayoutTellsItsOrderFromAnother()
    {
        var layout = new MemoryLayout();
        var (a, b) = (layout.Rent(10), layout.Rent(20));
        layout.Return(b);
        layout.Return(a);
        layout.Place(Slab);
        Assert.Equal(30, layout.Length);
        Assert.Equal(a, layout.RentedAt(0, 10));
        Assert.Equal(-1, layout.RentedAt(0, 20));
        Assert.Equal(-1, layout.RentedAt(2, 20));
        Assert.True(layout.IsReturnedAt(2, b));
        Assert.False(layout.IsReturnedAt(2, a));
        Assert.False(layout.EndsAt(3));
        Assert.True(layout.EndsAt(4));
        Assert.Equal(-1, layout.RentedAt(4, 10));
    }
}

/// <summary>A pool's handling of repeated work, and of work that deviates from its plan.</summary>
[Collection(OnIlgpu.Name)]
public sealed class RepeatedWorkTests(IlgpuDevice device) : DeviceTests(device)
{
    [SkippableFact]
    public void WorkThatDiffersFromItsDryRunStaysCorrect()
    {
        var pool = Device.Pool;
        pool.Trim();
        using var dryRunDevice = Device.WithoutMemory();
        pool.DryRun = (kind, size) =>
        {
            using (dryRunDevice.Pool.BeginWork(kind, size)) Work(dryRunDevice, 1000, early: true);
            return dryRunDevice.Pool;
        };
        try
        {
            var deviations = pool.Deviations;
            using (pool.BeginWork("work", 1)) Assert.Equal([1f, 2f, 3f], Work(Device, 1000, early: true));
            Assert.Equal(deviations, pool.Deviations);
            Assert.True(pool.PlannedBytes is > 0 and < 3 * 4096, $"{pool.PlannedBytes} bytes for two of three buffers at a time");
            // The first tensor lives longer than in the dry run, so the third must not get its address.
            using (pool.BeginWork("work", 1)) Assert.Equal([1f, 2f, 3f], Work(Device, 1000, early: false));
            using (pool.BeginWork("work", 1)) Assert.Equal([1f, 2f, 3f], Work(Device, 5000, early: true));
            Assert.Equal(deviations + 2, pool.Deviations);
            // Tensors that outlive their work keep their memory.
            Tensor outlives;
            using (pool.BeginWork("work", 1)) outlives = Tensor.Filled(Device, new Shape(1000), 7);
            using (pool.BeginWork("work", 1)) Work(Device, 1000, early: true);
            Assert.Equal(7, outlives.ToArray()[0]);
            outlives.Dispose();
            using (pool.BeginWork("work", 1))
                Assert.Throws<InvalidOperationException>(() => pool.BeginWork("other work", 1));
        }
        finally
        {
            pool.DryRun = null;
            pool.Trim();
        }
    }

    [SkippableFact]
    public void ADeviceWithoutMemoryCountsAndComputesNothing()
    {
        using var imagined = Device.WithoutMemory(Device.Description with { LargestAllocationBytes = 1 << 20 });
        Assert.False(imagined.Computes);
        var launches = imagined.Launches;
        using var tensor = Tensor.Filled(imagined, new Shape(1000), 5);
        Assert.Equal(launches + 1, imagined.Launches);
        Assert.Equal(0, tensor.ToArray()[3]);
        // Work is divided by the sizes of views, so these must match those of a real device.
        Assert.Equal(1000, tensor.View.IntLength);
        Assert.True(imagined.Pool.UsedBytes >= 4000);
        Assert.StartsWith("out of device memory",
            Assert.Throws<Engine.Devices.DeviceException>(() => Tensor.Uninitialized(imagined, new Shape(1 << 20))).Message);
    }

    /// <summary>Three tensors; the first two live at the same time, and so do the last two. Returns their first elements.</summary>
    private static float[] Work(Engine.Devices.Device device, int length, bool early)
    {
        var first = Tensor.Filled(device, new Shape(length), 1);
        using var second = Tensor.Filled(device, new Shape(1000), 2);
        if (early)
        {
            var value = first.ToArray()[0];
            first.Dispose();
            using var third = Tensor.Filled(device, new Shape(1000), 3);
            return [value, second.ToArray()[0], third.ToArray()[0]];
        }
        using var late = Tensor.Filled(device, new Shape(1000), 3);
        float[] values = [first.ToArray()[0], second.ToArray()[0], late.ToArray()[0]];
        first.Dispose();
        return values;
    }
}
