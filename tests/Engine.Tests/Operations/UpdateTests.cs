using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.Addition;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Operations.Penalty;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Operations;

/// <summary>Elementwise kernels: optimizer updates, penalties, sums, fills and pixels.</summary>
public abstract class UpdateTests(OpenedDevice opened) : DeviceTests(opened)
{
    private const int Steps = 5;

    /// <summary>Around the four elements of a thread, the 256 threads of a group and the 8192 elements of a work-item.</summary>
    public static TheoryData<int> Lengths => [1, 3, 4, 6, 255, 257, 1024, 1027, 8191, 8192, 8193, 20_001];

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void RmsProp(int length) => Check(length,
        (w, g, v, _, _) => UpdateReference.RmsProp(w, g, v, 0.01, 0.9, 1e-7),
        (t, w, g, v, _, _) => UpdateOperation.RmsProp(t, w, g, v, 0.01f, 0.9f, 1e-7f));

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void Momentum(int length) => Check(length,
        (w, g, m, _, _) => UpdateReference.Momentum(w, g, m, 0.01, 0.9),
        (t, w, g, m, _, _) => UpdateOperation.Momentum(t, w, g, m, 0.01f, 0.9f));

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void Descent(int length) => Check(length,
        (w, g, _, _, _) => UpdateReference.Descent(w, g, 0.01),
        (t, w, g, _, _, _) => UpdateOperation.Descent(t, w, g, 0.01f));

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void Adam(int length) => Check(length,
        (w, g, m, v, step) => UpdateReference.Adam(w, g, m, v, 0.01, 0.9, 0.999, 1e-7, step),
        (t, w, g, m, v, step) => UpdateOperation.Adam(t, w, g, m, v, 0.01f, 0.9f, 0.999f, 1e-7f, step));

    [SkippableTheory]
    [InlineData(1, 0.5f, 0f)]
    [InlineData(4097, 0f, 0.25f)]
    [InlineData(30_001, 1e-3f, 1e-2f)]
    public void PenaltiesAddToTheLossAndTheirGradientToTheUpdate(int length, float l1, float l2)
    {
        var values = RandomCases.Values(length, 1, length);
        if (length > 1) values[1] = 0;
        var gradientValues = RandomCases.Values(length, 2, length);
        using var weights = Upload(new Shape(length), values);
        using var gradients = Upload(new Shape(length), gradientValues);
        using var table = new UpdateTable(Device, new UpdateRow(0, 0, length, L1: l1, L2: l2));
        using var loss = Leaf(new Shape(1), [1.5f]);
        using var upstream = Upload(new Shape(1), [-3]);
        using var tape = new Tape(Device);
        var output = PenaltyOperation.Add(tape, loss, weights, table);
        var inDouble = RandomCases.InDouble(values);
        Tolerance.OfSum(length, l1 + l2).Check("penalty", 1.5 + PenaltyReference.Value(inDouble, l1, l2), output.ToArray()[0]);
        tape.Backward(output, upstream);
        Tolerance.Exact.Check("gradient of the loss itself", -3, loss.Gradient!.ToArray()[0]);
        UpdateOperation.Descent(table, weights, gradients, 0.5f);
        var total = AdditionReference.Forward(RandomCases.InDouble(gradientValues), PenaltyReference.Gradient(inDouble, l1, l2));
        UpdateReference.Descent(inDouble, total, 0.5);
        Tolerance.Elementwise.Check("weights that a penalty pulls on", inDouble, weights.ToArray());
    }

    // One weight has its own λ, which must be used for it only; the rule's factors must not affect the decay.
    [SkippableTheory]
    [InlineData("rmsprop")]
    [InlineData("momentum")]
    [InlineData("descent")]
    [InlineData("adam")]
    public void DecayTakesItsShareOfTheWeightWhateverTheGradient(string rule)
    {
        const float rate = 0.1f;
        const int length = 16;
        var initial = RandomCases.Values(1, 1, length);
        var results = new List<float[]>();
        foreach (var decay in new[] { 0f, 0.25f })
        {
            using var weights = Upload(new Shape(length), initial);
            using var gradients = Upload(new Shape(length), RandomCases.Values(1, 2, length));
            using var first = Tensor.Zeros(Device, new Shape(length));
            using var second = Tensor.Zeros(Device, new Shape(length));
            using var table = new UpdateTable(Device, new UpdateRow(0, 0, 1, Decay: decay), new UpdateRow(4, 4, 2),
                new UpdateRow(8, 8, 7, Rate: 0.5f, Decay: 2 * decay));
            switch (rule)
            {
                case "rmsprop": UpdateOperation.RmsProp(table, weights, gradients, first, rate, 0.9f, 1e-7f); break;
                case "momentum": UpdateOperation.Momentum(table, weights, gradients, first, rate, 0.9f); break;
                case "descent": UpdateOperation.Descent(table, weights, gradients, rate); break;
                default: UpdateOperation.Adam(table, weights, gradients, first, second, rate, 0.9f, 0.999f, 1e-7f, 1); break;
            }
            results.Add(weights.ToArray());
        }
        Tolerance.Elementwise.Check($"decay under {rule}",
            [.. results[0].Select((w, i) => w - rate * 0.25 * initial[i] * (i is 0 or >= 8 and < 15 ? 1 : 0))], results[1]);
    }

    // Parameters of all sizes in one launch, with gaps, parameters outside the table, and different rates.
    [SkippableFact]
    public void OneLaunchUpdatesManyParametersAndNothingElse()
    {
        UpdateRow[] rows =
        [
            new(64, 0, 1), new(128, 64, 8191, Rate: 0.5f), new(8320, 8256, 8192, L1: 0.1f), new(16_512, 16_448, 8193, L2: 0.2f),
                new(30_000, 25_000, 20_001),
        ];
        const int length = 50_100;
        var (values, gradientValues) = (RandomCases.Values(1, 1, length), RandomCases.Values(1, 2, length));
        using var weights = Upload(new Shape(length), values);
        using var gradients = Upload(new Shape(length), gradientValues);
        using var velocity = Prefilled(new Shape(length), 0.25f);
        using var table = new UpdateTable(Device, rows);
        var expected = RandomCases.InDouble(values);
        var expectedVelocity = Enumerable.Repeat(0.25, length).ToArray();
        foreach (var row in rows)
            for (var i = 0; i < row.Length; i++)
            {
                var w = values[row.Weights + i];
                ref var m = ref expectedVelocity[row.Gradient + i];
                m = 0.9 * m + gradientValues[row.Gradient + i] + row.L1 * Math.Sign(w) + 2.0 * row.L2 * w;
                expected[row.Weights + i] -= 0.1 * row.Rate * m;
            }
        var launches = Device.Launches;
        UpdateOperation.Momentum(table, weights, gradients, velocity, 0.1f, 0.9f);
        Assert.Equal(launches + 1, Device.Launches);
        Tolerance.Elementwise.Check("weights", expected, weights.ToArray());
        Tolerance.Elementwise.Check("velocity", expectedVelocity, velocity.ToArray());
        Assert.StartsWith("update: there is no parameter", Assert.Throws<ArgumentException>(() => new UpdateTable(Device)).Message);
        Assert.StartsWith("update: weights at 64 and gradient at 2 must begin at multiples of 4",
            Assert.Throws<ArgumentException>(() => new UpdateTable(Device, new UpdateRow(64, 2, 5))).Message);
    }

    [SkippableTheory]
    [MemberData(nameof(Lengths))]
    public void SumsFillsAndCopies(int length)
    {
        var (a, b) = (RandomCases.Values(length, 1, length), RandomCases.Values(length, 2, length));
        using var left = Upload(new Shape(length), a);
        using var right = Upload(new Shape(length), b);
        using var filled = Prefilled(new Shape(length));
        using var tape = new Tape(Device, recording: false);
        Tolerance.Elementwise.Check("sum", AdditionReference.Forward(RandomCases.InDouble(a), RandomCases.InDouble(b)),
            AdditionOperation.Apply(tape, left, right).ToArray());
        Assert.All(filled.ToArray(), v => Assert.Equal(Sentinel, v));
        using var copy = left.Copy();
        left.Fill(0);
        Tolerance.Exact.Check("copy", a, copy.ToArray());
        using var reshaped = copy.Reshape(new Shape(1, length));
        Tolerance.Exact.Check("reshaped", a, reshaped.ToArray());
    }

    // A GPU would fail with an address error, or read elsewhere.
    [SkippableFact]
    public void SlicesThatGpusCannotLoadInFoursAreRefusedThere()
    {
        using var memory = Prefilled(new Shape(64));
        using var odd = memory.Slice(6, new Shape(2, 4));
        using var oddColumns = odd.Reshape(new Shape(4, 2));
        using var even = memory.Slice(8, new Shape(2, 4));
        using var square = Prefilled(new Shape(4, 4));
        using var tape = new Tape(Device, recording: false);
        Action[] launches =
        [
            () => AdditionOperation.Apply(tape, even, odd),
            () => MatrixMultiplyOperation.Apply(tape, odd, square),
            () => MatrixMultiplyOperation.Apply(tape, square, oddColumns),
        ];
        foreach (var launch in launches)
            if (Device.Shape == KernelShape.Cpu)
                launch();
            else
                Assert.Contains("a tensor begins at float 6 of its memory", Assert.Throws<ArgumentException>(launch).Message);
        AdditionOperation.Apply(tape, even, even);
        MatrixMultiplyOperation.Apply(tape, even, square);
    }

    private void Check(
        int length, Action<double[], double[], double[], double[], long> expected,
        Action<UpdateTable, Tensor, Tensor, Tensor, Tensor, long> update)
    {
        var initial = RandomCases.Values(length, 0, length);
        var (w, first, second) = (RandomCases.InDouble(initial), new double[length], new double[length]);
        using var weights = Upload(new Shape(length), initial);
        using var table = new UpdateTable(Device, new UpdateRow(0, 0, length));
        using var state = Tensor.Zeros(Device, new Shape(length));
        using var otherState = Tensor.Zeros(Device, new Shape(length));
        for (var step = 1; step <= Steps; step++)
        {
            var values = RandomCases.Values(length, step, length);
            using var gradient = Upload(new Shape(length), values);
            expected(w, RandomCases.InDouble(values), first, second, step);
            update(table, weights, gradient, state, otherState, step);
            Tolerance.Exact.Check("gradient left alone", values, gradient.ToArray());
        }
        new Tolerance(2e-6, 2e-6).Check($"weights after {Steps} steps", w, weights.ToArray());
        new Tolerance(2e-6, 2e-6).Check("first state", first, state.ToArray());
        new Tolerance(2e-6, 2e-6).Check("second state", second, otherState.ToArray());
    }

    [SkippableFact]
    public void ATableThatLeadsOutOfABufferIsRefused()
    {
        using var table = new UpdateTable(Device, new UpdateRow(0, 0, 4), new UpdateRow(4, 8, 3));
        using var seven = Prefilled(new Shape(7), 1);
        using var six = Prefilled(new Shape(6), 1);
        using var eleven = Prefilled(new Shape(11), 1);
        using var tape = new Tape(Device, recording: false);
        using var loss = Prefilled(new Shape(1), 1);
        Assert.Contains("reaches to weight 7, but the weights are [6]",
            Assert.Throws<ArgumentException>(() => UpdateOperation.Descent(table, six, eleven, 1)).Message);
        Assert.Contains("reaches to gradient 11",
            Assert.Throws<ArgumentException>(() => UpdateOperation.Descent(table, seven, seven, 1)).Message);
        Assert.Contains("reaches to gradient 11",
            Assert.Throws<ArgumentException>(() => UpdateOperation.RmsProp(table, seven, eleven, seven, 1, 0.9f, 1)).Message);
        Assert.Contains("reaches to weight 7",
            Assert.Throws<ArgumentException>(() => PenaltyOperation.Add(tape, loss, six, table)).Message);
        Assert.Throws<ArgumentException>(() => PenaltyOperation.Add(tape, six, seven, table));
        Assert.Throws<ArgumentException>(() => new UpdateTable(Device, new UpdateRow(-4, 0, 4)));
        Assert.Throws<ArgumentException>(() => new UpdateTable(Device, new UpdateRow(0, 0, -1)));
        UpdateOperation.Descent(table, seven, eleven, 1);
        Tolerance.Exact.Check("weights", new float[7], seven.ToArray());
        table.Dispose();
        Assert.Throws<ObjectDisposedException>(() => UpdateOperation.Descent(table, seven, eleven, 1));
        table.Dispose();
    }
}

[Collection(OnOpenCl.Name)]
public sealed class UpdateOnOpenCl(OpenClDevice device) : UpdateTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class UpdateOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : UpdateTests(device);

[Collection(OnIlgpu.Name)]
public sealed class UpdateOnIlgpu(IlgpuDevice device) : UpdateTests(device);
