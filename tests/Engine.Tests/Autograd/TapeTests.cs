using Convolve.Engine.Autograd;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Addition;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Flatten;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Operations.Penalty;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Autograd;

public abstract class TapeTests(OpenedDevice opened) : DeviceTests(opened)
{
    private static readonly Shape five = new(5);

    [SkippableFact]
    public void GradientsOfTensorUsedSeveralTimesAddUp()
    {
        using var x = Leaf(five, [1, -2, 3, -4, 5]);
        using var upstream = Upload(five, [1, 2, 3, 4, 5]);
        using var tape = new Tape(Device);
        // y = relu(x) + (x + x): dy/dx is 3 for positive x and 2 otherwise.
        var y = AdditionOperation.Apply(tape, ActivationOperation.Relu(tape, x), AdditionOperation.Apply(tape, x, x));
        Tolerance.Exact.Check("y", [3, -4, 9, -8, 15], y.ToArray());
        tape.Backward(y, upstream);
        Tolerance.Exact.Check("gradient", [3, 4, 9, 8, 15], x.Gradient!.ToArray());
        Tolerance.Exact.Check("upstream left alone", [1, 2, 3, 4, 5], upstream.ToArray());
    }

    [SkippableFact]
    public void IntermediateUsedTwiceAddsUpToo()
    {
        using var x = Leaf(new Shape(1, 1, 2, 2), [1, -2, 3, -4]);
        using var upstream = Upload(new Shape(1, 4), [1, 10, 100, 1000]);
        using var tape = new Tape(Device);
        // Flatten shares memory with its input, whose gradient must not change unexpectedly.
        var hidden = ActivationOperation.Relu(tape, x);
        var y = AdditionOperation.Apply(tape, FlattenOperation.Apply(tape, hidden), FlattenOperation.Apply(tape, hidden));
        tape.Backward(y, upstream);
        Tolerance.Exact.Check("gradient", [2, 0, 200, 0], x.Gradient!.ToArray());
    }

    [SkippableFact]
    public void BranchWithoutGradientCostsNothing()
    {
        using var x = Leaf(five, [1, -2, 3, -4, 5]);
        using var constant = Upload(five, [1, 1, 1, 1, 1]);
        using var upstream = Upload(five, [1, 2, 3, 4, 5]);
        using var tape = new Tape(Device);
        var ignored = ActivationOperation.Relu(tape, x);
        var unrelated = ActivationOperation.Relu(tape, constant);
        var y = AdditionOperation.Apply(tape, x, unrelated);
        Assert.False(unrelated.RequiresGradient);
        Assert.True(ignored.RequiresGradient);
        var before = Device.Launches;
        tape.Backward(y, upstream);
        // One copy of the upstream gradient, one more for x, and nothing for the branch without a gradient.
        Assert.Equal(2, Device.Launches - before);
        Assert.Null(constant.Gradient);
        Tolerance.Exact.Check("gradient", [1, 2, 3, 4, 5], x.Gradient!.ToArray());
    }

    [SkippableFact]
    public void FrozenParametersGetNoGradientAndLaunchFewerKernels()
    {
        using var network = new SmallNetwork(Device);
        var all = network.BackwardLaunches();
        Assert.All(network.Parameters, p => Assert.NotNull(p.Gradient));
        network.ClearGradients();
        network.Parameters[0].RequiresGradient = false;
        network.Parameters[1].RequiresGradient = false;
        var frozen = network.BackwardLaunches();
        Assert.Null(network.Parameters[0].Gradient);
        Assert.Null(network.Parameters[1].Gradient);
        Assert.NotNull(network.Parameters[2].Gradient);
        Assert.True(frozen < all, $"{frozen} launches with a frozen convolution, {all} without");
        network.ClearGradients();
        foreach (var parameter in network.Parameters) parameter.RequiresGradient = false;
        using var tape = new Tape(Device);
        Assert.False(network.Loss(tape).RequiresGradient);
        Assert.Empty(tape.Operations);
    }

    [SkippableFact]
    public void SecondBackwardAddsToTheLeaves()
    {
        using var network = new SmallNetwork(Device);
        network.BackwardLaunches();
        var once = network.Parameters.Select(p => p.Gradient!.ToArray()).ToArray();
        network.BackwardLaunches();
        for (var i = 0; i < once.Length; i++)
            Tolerance.Elementwise.Check($"gradient {i} after two passes", Array.ConvertAll(once[i], g => 2.0 * g),
                network.Parameters[i].Gradient!.ToArray());
    }

    [SkippableFact]
    public void SameStepGivesTheSameBits()
    {
        using var network = new SmallNetwork(Device);
        network.BackwardLaunches();
        var first = network.Parameters.Select(p => p.Gradient!.ToArray()).ToArray();
        network.ClearGradients();
        network.BackwardLaunches();
        for (var i = 0; i < first.Length; i++)
            Assert.Equal(first[i].Select(BitConverter.SingleToInt32Bits),
                network.Parameters[i].Gradient!.ToArray().Select(BitConverter.SingleToInt32Bits));
    }

    [SkippableFact]
    public void MistakesAreNamed()
    {
        using var x = Leaf(five, [1, 2, 3, 4, 5]);
        using var constant = Upload(five, [1, 2, 3, 4, 5]);
        using var wrong = Upload(new Shape(4), [1, 2, 3, 4]);
        using var tape = new Tape(Device);
        var y = ActivationOperation.Relu(tape, x);
        Assert.Contains("[5] is no scalar", Assert.Throws<ArgumentException>(() => tape.Backward(y)).Message);
        var shapes = Assert.Throws<ArgumentException>(() => tape.Backward(y, wrong)).Message;
        Assert.Contains("[4]", shapes);
        Assert.Contains("[5]", shapes);
        Assert.Throws<InvalidOperationException>(() => tape.Backward(constant, constant));
        using var reading = new Tape(Device, recording: false);
        Assert.Throws<InvalidOperationException>(() => reading.Backward(ActivationOperation.Relu(reading, x), constant));
    }

    [SkippableFact]
    public void ScalarNeedsNoUpstream()
    {
        using var x = Leaf(new Shape(1), [3]);
        using var tape = new Tape(Device);
        tape.Backward(ActivationOperation.Relu(tape, x));
        Tolerance.Exact.Check("gradient", 1, x.Gradient!.ToArray()[0]);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public void NothingStaysInUse(bool backward)
    {
        var before = Device.Pool.UsedBytes;
        using (var network = new SmallNetwork(Device))
        {
            using var tape = new Tape(Device);
            var loss = network.Loss(tape);
            if (backward) tape.Backward(loss);
        }
        Assert.Equal(before, Device.Pool.UsedBytes);
    }

    [SkippableFact]
    public void ReleasedTensorsReturnAtOnceUnlessBackwardReadsThem()
    {
        using var x = Upload(new Shape(1, 8, 8, 64), RandomCases.Values(1, 1, 4096));
        using var inference = new Tape(Device, recording: false);
        var used = Device.Pool.UsedBytes;
        var y = ActivationOperation.Relu(inference, x);
        inference.Release(y);
        Assert.True(y.IsDisposed);
        Assert.Equal(used, Device.Pool.UsedBytes);
        Assert.Throws<ObjectDisposedException>(() => y.ToArray());

        using var tape = new Tape(Device);
        x.RequiresGradient = true;
        var saved = ActivationOperation.Relu(tape, x);
        tape.Release(saved);
        Assert.False(saved.IsDisposed);
        var kept = tape.Keep(ActivationOperation.Relu(tape, x));
        tape.Release(kept);
        Assert.False(kept.IsDisposed);
    }

    [SkippableFact]
    public void SteadyStateAllocatesNothing()
    {
        using var network = new SmallNetwork(Device);
        void Step()
        {
            network.BackwardLaunches();
            network.Descend(1e-3f);
            network.ClearGradients();
        }
        Step();
        Step();
        var (allocations, used) = (Device.Pool.Allocations, Device.Pool.UsedBytes);
        for (var i = 0; i < 5; i++) Step();
        Assert.Equal(allocations, Device.Pool.Allocations);
        Assert.Equal(used, Device.Pool.UsedBytes);
    }

    [SkippableFact]
    public void EveryOperationPointsDownhill()
    {
        // A small step against the gradient lowers the loss by about η·|g|², which detects wrong signs or scales anywhere in the chain.
        using var network = new SmallNetwork(Device);
        using var tape = new Tape(Device);
        var loss = network.Loss(tape);
        var before = loss.ToArray()[0];
        tape.Backward(loss);
        const float rate = 1e-3f;
        double square = 0;
        foreach (var parameter in network.Parameters) square += parameter.Gradient!.ToArray().Sum(g => (double)g * g);
        network.Descend(rate);
        using var after = new Tape(Device, recording: false);
        Assert.InRange((before - network.Loss(after).ToArray()[0]) / (rate * square), 0.8, 1.2);
    }

    [SkippableFact]
    public void ALossReadAfterTheWayBackSaysWhatToDo()
    {
        using var network = new SmallNetwork(Device);
        using var tape = new Tape(Device);
        var loss = network.Loss(tape);
        tape.Backward(loss);
        Assert.Contains("read it before Backward, or have it kept with tape.Keep(tensor)",
            Assert.Throws<ObjectDisposedException>(() => loss.ToArray()).Message);
        using var again = new Tape(Device);
        var kept = again.Keep(network.Loss(again));
        again.Backward(kept);
        Assert.True(float.IsFinite(kept.ToArray()[0]));
    }

    [SkippableFact]
    public void ASecondWayBackIsRefusedAndALaterPassOnTheSameTapeIsNot()
    {
        using var network = new SmallNetwork(Device);
        using var tape = new Tape(Device);
        var loss = tape.Keep(network.Loss(tape));
        tape.Backward(loss);
        var gradients = network.Parameters.Select(p => p.Gradient!.ToArray()).ToArray();
        Assert.Contains("run the forward pass again", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message);
        using var other = new Tape(Device);
        Assert.Contains("no operation on this tape created", Assert.Throws<InvalidOperationException>(() => other.Backward(loss)).Message);
        foreach (var (parameter, gradient) in network.Parameters.Zip(gradients))
            Tolerance.Exact.Check("gradient", gradient, parameter.Gradient!.ToArray());
        network.ClearGradients();
        tape.Backward(network.Loss(tape));
        foreach (var (parameter, gradient) in network.Parameters.Zip(gradients))
            Tolerance.Exact.Check("gradient", gradient, parameter.Gradient!.ToArray());
    }

    /// <summary>Convolution with ReLU → max pooling → flatten → dense → binary cross-entropy.</summary>
    private sealed class SmallNetwork : IDisposable
    {
        private readonly Convolve.Engine.Devices.Device device;
        private readonly Tensor batch, targets;

        public SmallNetwork(Convolve.Engine.Devices.Device device)
        {
            this.device = device;
            batch = Tensor.FromValues(device, new Shape(2, 9, 7, 3), RandomCases.Values(1, 1, 2 * 9 * 7 * 3));
            targets = Tensor.FromValues(device, new Shape(2), [0, 1]);
            Parameters =
            [
                Parameter(new Shape(3, 3, 3, 5), 2), Parameter(new Shape(5), 3),
                Parameter(new Shape(3 * 2 * 5, 1), 4), Parameter(new Shape(1), 5),
            ];
        }

        public Tensor[] Parameters { get; }

        public Tensor Loss(Tape tape)
        {
            var y = ConvolutionOperation.Apply(tape, batch, Parameters[0], Parameters[1], Padding.Valid, relu: true);
            y = FlattenOperation.Apply(tape, MaxPoolingOperation.Apply(tape, y, 2, 2, 2));
            return LossOperation.BinaryCrossEntropy(tape, DenseOperation.Apply(tape, y, Parameters[2], Parameters[3]), targets);
        }

        /// <summary>Runs forward and backward, and counts the kernels of the backward pass.</summary>
        public long BackwardLaunches()
        {
            using var tape = new Tape(device);
            var loss = Loss(tape);
            var before = device.Launches;
            tape.Backward(loss);
            return device.Launches - before;
        }

        public void Descend(float rate)
        {
            foreach (var parameter in Parameters)
            {
                using var table = new UpdateTable(device, new UpdateRow(0, 0, parameter.Shape.Length));
                UpdateOperation.Descent(table, parameter, parameter.Gradient!, rate);
            }
        }

        public void ClearGradients()
        {
            foreach (var parameter in Parameters) parameter.ClearGradient();
        }

        public void Dispose()
        {
            batch.Dispose();
            targets.Dispose();
            foreach (var parameter in Parameters) parameter.Dispose();
        }

        private Tensor Parameter(Shape shape, int stream)
        {
            var tensor = Tensor.FromValues(device, shape, RandomCases.Values(1, stream, shape.Length));
            tensor.RequiresGradient = true;
            return tensor;
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class TapeOnOpenCl(OpenClDevice device) : TapeTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class TapeOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : TapeTests(device);

[Collection(OnIlgpu.Name)]
public sealed class TapeOnIlgpu(IlgpuDevice device) : TapeTests(device);
