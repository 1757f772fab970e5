using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Devices;

/// <summary>A user's kernel, whose tensors may start at any offset.</summary>
public struct Doubling : IKernel
{
    public Values Source, Target;

    public void Run(int item) => Target[item] = 2 * Source[item];
}

/// <summary>One device used by many threads, and a disposed one.</summary>
public abstract class SharedDeviceTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const int Threads = 8, Rounds = 20;

    [SkippableFact]
    public void ManyThreadsComputeAsOneDoes()
    {
        // Sizes differ between threads, so that each rents buffers that others have used.
        var cases = Enumerable.Range(0, Threads).Select(t => (
            Left: Upload(new Shape(7 + t, 40), RandomCases.Values(t, 1, (7 + t) * 40)),
            Right: Upload(new Shape(40, 33), RandomCases.Values(t, 2, 40 * 33)))).ToArray();
        float[][] expected = [.. cases.Select(c => Compute(c.Left, c.Right))];
        var used = Device.Pool.UsedBytes;
        OnThreads(t =>
        {
            for (var round = 0; round < Rounds; round++)
                Tolerance.Exact.Check($"thread {t}, round {round}", expected[t], Compute(cases[t].Left, cases[t].Right));
        });
        Assert.Equal(used, Device.Pool.UsedBytes);
        foreach (var (left, right) in cases)
        {
            left.Dispose();
            right.Dispose();
        }
    }

    [SkippableFact]
    public void BackwardPassesOfManyThreadsAddUpInOneGradient()
    {
        using var shared = Leaf(new Shape(3, 2), [1, 2, 3, 4, 5, 6]);
        using var ones = Prefilled(new Shape(1, 3), 1);
        using var upstream = Prefilled(new Shape(1, 2), 1);
        OnThreads(_ =>
        {
            for (var round = 0; round < Rounds; round++)
            {
                using var tape = new Tape(Device);
                tape.Backward(MatrixMultiplyOperation.Apply(tape, ones, shared), upstream);
            }
        });
        Tolerance.Exact.Check("gradient", Enumerable.Repeat((float)(Threads * Rounds), 6).ToArray(), shared.Gradient!.ToArray());
    }

    [SkippableFact]
    public void OneTensorMayBeSharedAndReturnedByManyThreads()
    {
        using var shared = Prefilled(new Shape(64), 5);
        var used = Device.Pool.UsedBytes;
        OnThreads(t =>
        {
            for (var round = 0; round < 50 * Rounds; round++)
            {
                using var view = shared.Reshape(new Shape(8, 8));
                using var slice = shared.Slice(8, new Shape(t + 1));
            }
        });
        Assert.Equal(used, Device.Pool.UsedBytes);
        Assert.All(shared.ToArray(), value => Assert.Equal(5, value));
    }

    [SkippableFact]
    public void WorkThatIsFollowedOnOneThreadDoesNotBindAnother()
    {
        using var own = Device.Pool.BeginWork("work of the first", 1);
        OnThreads(_ =>
        {
            using var other = Device.Pool.BeginWork("work of another", 1);
            using var tensor = Tensor.Filled(Device, new Shape(300), 1);
            Assert.All(tensor.ToArray(), value => Assert.Equal(1, value));
        });
    }

    [SkippableFact]
    public void ADeviceThatIsGoneSaysSo()
    {
        // A second device of the same kind, so that the shared one stays open.
        using var catalogue = new DeviceCatalogue();
        var device = catalogue.Open(OneLikeThis(catalogue), Device.Shape);
        var tensor = Tensor.Filled(device, new Shape(5), 1);
        var pool = device.Pool;
        device.Dispose();
        device.Dispose();
        Action[] uses =
        [
            () => tensor.Fill(2), () => tensor.ToArray(), () => tensor.CopyFrom(new float[5]),
                () => Tensor.Uninitialized(device, new Shape(3)), device.Synchronize,
            pool.Trim, () => pool.BeginWork("work", 1),
                () => device.Launch(5, new Doubling { Source = tensor.Values, Target = tensor.Values }),
        ];
        Assert.All(uses, use => Assert.Contains("was disposed", Assert.Throws<ObjectDisposedException>(use).Message));
        tensor.Dispose();
    }

    [SkippableFact]
    public void ACatalogueTakesItsDevicesAlong()
    {
        var catalogue = new DeviceCatalogue();
        var description = OneLikeThis(catalogue);
        var device = catalogue.Open(description, Device.Shape);
        using var tensor = Tensor.Filled(device, new Shape(5), 1);
        catalogue.Dispose();
        catalogue.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tensor.ToArray());
        Assert.Throws<ObjectDisposedException>(() => catalogue.Open(description));
        device.Dispose();
    }

    [SkippableFact]
    public void ADeviceThatIsDisposedWhileOthersUseItEndsTheirWorkInOneWay()
    {
        using var catalogue = new DeviceCatalogue();
        var device = catalogue.Open(OneLikeThis(catalogue), Device.Shape);
        using var ready = new CountdownEvent(Threads);
        var ended = 0;
        var threads = Task.Run(() => OnThreads(_ =>
        {
            using var tensor = Tensor.Filled(device, new Shape(1000), 1);
            ready.Signal();
            try
            {
                while (true)
                {
                    tensor.Fill(3);
                    tensor.ToArray();
                }
            }
            catch (ObjectDisposedException)
            {
                Interlocked.Increment(ref ended);
            }
        }));
        ready.Wait();
        device.Dispose();
        threads.GetAwaiter().GetResult();
        Assert.Equal(Threads, ended);
    }

    [SkippableFact]
    public void TensorsOfAnotherDeviceAreRefused()
    {
        using var catalogue = new DeviceCatalogue();
        using var other = catalogue.Open(OneLikeThis(catalogue), Device.Shape);
        using var here = Prefilled(new Shape(4, 4));
        using var there = Tensor.Filled(other, new Shape(4, 4), 1);
        using var counted = Tensor.Uninitialized(Device.WithoutMemory(), new Shape(400, 400));
        using var tape = new Tape(Device, recording: false);
        Refused("another device", () => MatrixMultiplyOperation.Apply(tape, here, there));
        Refused("another device", () => ActivationOperation.Relu(tape, there));
        Refused("another device", () => here.CopyFrom(there));
        Refused("another device", () => Device.Launch(16, new Doubling { Source = there.Values, Target = here.Values }));
        Refused("without memory", () => ActivationOperation.Relu(tape, counted));

        static void Refused(string message, Action use) => Assert.Contains(message, Assert.Throws<ArgumentException>(use).Message);
    }

    // On a CPU the workers of a launch take items from a counter that the next launch reuses.
    [SkippableFact]
    public void ALaunchThatFailsLeavesTheNextOneRight()
    {
        using var catalogue = new DeviceCatalogue();
        using var other = catalogue.Open(OneLikeThis(catalogue), Device.Shape);
        using var left = Upload(new Shape(70, 40), RandomCases.Values(1, 1, 70 * 40));
        using var right = Upload(new Shape(40, 33), RandomCases.Values(1, 2, 40 * 33));
        using var there = Tensor.Filled(other, new Shape(40, 33), 1);
        var expected = Compute(left, right);
        for (var i = 0; i < 3; i++)
        {
            Assert.Throws<ArgumentException>(() => Compute(left, there));
            Tolerance.Exact.Check("after a failure", expected, Compute(left, right));
        }
    }

    /// <summary>A catalogue's device of the kind of the shared one; skips the calling test if there is none.</summary>
    private DeviceDescription OneLikeThis(DeviceCatalogue catalogue)
    {
        var description = catalogue.Devices.FirstOrDefault(d => d.Kind == Device.Description.Kind);
        Skip.If(description is null, $"the test opens a second device like {Device.Description}, which no driver of this machine offers");
        return description!;
    }

    private float[] Compute(Tensor left, Tensor right)
    {
        using var tape = new Tape(Device, recording: false);
        return SoftmaxOperation.Apply(tape, ActivationOperation.Relu(tape, MatrixMultiplyOperation.Apply(tape, left, right))).ToArray();
    }

    /// <summary>Runs an action on all threads at once and rethrows an exception of any of them.</summary>
    private static void OnThreads(Action<int> work)
    {
        using var start = new Barrier(Threads);
        Task[] tasks =
        [
            .. Enumerable.Range(0, Threads).Select(t => Task.Factory.StartNew(() =>
            {
                start.SignalAndWait();
                work(t);
            }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)),
        ];
        Task.WaitAll(tasks);
    }
}

[Collection(OnOpenCl.Name)]
public sealed class SharedDeviceOnOpenCl(OpenClDevice device) : SharedDeviceTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class SharedDeviceOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : SharedDeviceTests(device);

[Collection(OnIlgpu.Name)]
public sealed class SharedDeviceOnIlgpu(IlgpuDevice device) : SharedDeviceTests(device);
