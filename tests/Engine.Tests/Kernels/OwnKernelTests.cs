using Convolve.Engine.Autograd;
using Convolve.Engine.Kernels;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;

namespace Convolve.Engine.Tests.Kernels;

/// <summary>y = x², whose gradient 2·x·dy can be made wrong.</summary>
public struct SquareForward : IKernel
{
    public Values Input, Output;

    public readonly void Run(int i) => Output[i] = Input[i] * Input[i];
}

public struct SquareGradient : IKernel
{
    public Values Upstream, Input, Gradient;
    public float Factor;
    public int Accumulate;

    public readonly void Run(int i) => Gradient[i] = (Accumulate != 0 ? Gradient[i] : 0f) + Factor * Upstream[i] * Input[i];
}

/// <summary>User-defined kernels, launched, differentiated, checked and timed on every kind of device.</summary>
public abstract class OwnKernelTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableTheory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(8191)]
    [InlineData(8193)]
    public void EveryItemRunsOnceAndNoOther(int items)
    {
        using var input = Upload(new Shape(8200), RandomCases.Values(1, 0, 8200));
        using var output = Prefilled(new Shape(8200));
        Device.Launch(items, new SquareForward { Input = input.Values, Output = output.Values });
        var (x, y) = (input.ToArray(), output.ToArray());
        for (var i = 0; i < y.Length; i++) Assert.Equal(i < items ? x[i] * x[i] : Sentinel, y[i]);
    }

    [SkippableFact]
    public void ARightOperationAgreesWithItsDefinition()
    {
        using var input = Upload(new Shape(5, 7), RandomCases.Values(2, 0, 35));
        var agreements = OperationCheck.Run((tape, x) => Square(tape, x[0], 2f), Definition, input);
        Assert.Equal(3, agreements.Count);
        Assert.All(agreements, a => Assert.True(a.Error < 1e-6, a.ToString()));
        Assert.Null(input.Gradient);
    }

    [SkippableTheory]
    [InlineData(1.9f, false, false, "gradient of input 0")]
    [InlineData(float.NaN, false, false, "gradient of input 0")]
    [InlineData(2f, true, false, "gradient of input 0, added to")]
    [InlineData(2f, false, true, "gradient of input 0")]
    public void AWrongGradientIsFound(float factor, bool overwrites, bool forgets, string where)
    {
        using var input = Upload(new Shape(5, 7), RandomCases.Values(3, 0, 35));
        var agreements = OperationCheck.Run((tape, x) => Square(tape, x[0], factor, overwrites, forgets), Definition, input);
        Assert.True(agreements[0].Error < 1e-6, agreements[0].ToString());
        Assert.Equal(where, agreements.First(a => !(a.Error < 1e-3)).What);
    }

    [SkippableFact]
    public void AnOperationOfAnotherSizeThanItsDefinitionIsRefused()
    {
        using var input = Upload(new Shape(4), RandomCases.Values(4, 0, 4));
        Assert.Throws<ArgumentException>(() => OperationCheck.Run((tape, x) => Square(tape, x[0], 2), x => [.. x[0], 1], input));
        Assert.Throws<ArgumentException>(() => OperationCheck.Run((tape, x) => Square(tape, x[0], 2), Definition));
    }

    [SkippableFact]
    public void WorkIsTimedUntilItIsDone()
    {
        var runs = 0;
        Assert.True(Device.Milliseconds(() => runs++, runs: 3) >= 0);
        Assert.Equal(4, runs);
        Assert.Throws<ArgumentOutOfRangeException>(() => Device.Milliseconds(() => { }, runs: 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Device.Launch(-1, new SquareForward()));
    }

    private static double[] Definition(IReadOnlyList<double[]> x) => [.. x[0].Select(v => v * v)];

    private static Tensor Square(Tape tape, Tensor input, float factor, bool overwrites = false, bool forgets = false)
    {
        var output = tape.NewTensor(input.Shape);
        tape.Device.Launch(input.Shape.Length, new SquareForward { Input = input.Values, Output = output.Values });
        tape.Record("square", output, [input], upstream =>
        {
            if (forgets) return;
            var gradient = tape.GradientOf(input, out var accumulate);
            tape.Device.Launch(input.Shape.Length, new SquareGradient
            {
                Upstream = upstream.Values,
                Input = input.Values,
                Gradient = gradient.Values,
                Factor = factor,
                Accumulate = accumulate && !overwrites ? 1 : 0,
            });
        });
        return output;
    }
}

[Collection(OnOpenCl.Name)]
public sealed class OwnKernelTestsOnOpenCl(OpenClDevice opened) : OwnKernelTests(opened);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class OwnKernelTestsInGpuShape(OpenClDeviceInGpuShape opened) : OwnKernelTests(opened);

[Collection(OnIlgpu.Name)]
public sealed class OwnKernelTestsOnIlgpu(IlgpuDevice opened) : OwnKernelTests(opened);
