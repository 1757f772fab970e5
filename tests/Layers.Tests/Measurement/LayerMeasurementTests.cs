using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tests;
using Convolve.Layers.Measurement;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Tests.Measurement;

public sealed class RooflineTests
{
    private static readonly Roofline roofline = new(200, 10);

    [Fact]
    public void WorkIsBoundByArithmeticOrByMemory()
    {
        Assert.Equal(20, roofline.Ridge);
        Assert.Equal((10, 200, 200), (roofline.Roof(1), roofline.Roof(20), roofline.Roof(100)));
        // 2·10⁹ operations take 10 ms, and so do 10⁸ bytes.
        Assert.Equal(0.01, roofline.Seconds(2e9, 1), 12);
        Assert.Equal(0.01, roofline.Seconds(1, 1e8), 12);
    }
}

public abstract class LayerMeasurementTests(OpenedDevice opened) : DeviceTests(opened)
{
    private static readonly Roofline roofline = new(200, 10);

    private static Sequential Network() => new(new Shape(8, 8, 3),
        new Conv2D(4, 3) { Name = "first", Padding = Padding.Same }, new BatchNormalization(), new Dropout(0), new MaxPooling2D(),
        new Conv2D(8, 3) { Name = "second" }, new Flatten(), new Dense(5));

    [SkippableFact]
    public void FiguresAreThoseOfTheFormula()
    {
        using var network = Network().Initialize(Device, 1);
        var rows = LayerMeasurement.Of(network, 2, roofline, runs: 1);
        Assert.Equal(network.Layers.Select(layer => layer.Name), rows.Select(row => row.Name));
        var first = rows[0];
        Assert.Equal(2.0 * 2 * 64 * 27 * 4, first.Forward.Flops);
        Assert.Equal(4.0 * (2 * 64 * (3 + 4) + 27 * 4 + 4), first.Forward.Bytes);
        // The first layer has no input gradient.
        Assert.Equal(first.Forward.Flops, first.Backward.Flops);
        Assert.Equal(2 * rows[4].Forward.Flops, rows[4].Backward.Flops);
        Assert.Equal([ConvolutionPass.Forward, ConvolutionPass.GradKernel], first.Algorithms.Keys.Order());
        Assert.Equal([ConvolutionPass.Forward, ConvolutionPass.GradInput, ConvolutionPass.GradKernel], rows[4].Algorithms.Keys.Order());
        Assert.Equal((0, 0, 0), (rows[5].Forward.Bytes, rows[5].Backward.Bytes, rows[5].Forward.ShareOfRoof));
        foreach (var pass in new[] { rows[0], rows[4], rows[6] }.SelectMany(row => new[] { row.Forward, row.Backward }))
        {
            Assert.True(pass.Milliseconds > 0);
            Assert.Equal(1e3 * roofline.Seconds(pass.Flops, pass.Bytes) / pass.Milliseconds, pass.ShareOfRoof, 12);
            Assert.Equal(pass.Flops / pass.Milliseconds * 1e-6, pass.Gigaflops, 12);
        }
    }

    [SkippableFact]
    public void AFrozenBaseHasNoWayBack()
    {
        using var network = Network().Initialize(Device, 1);
        foreach (var layer in network.Layers.Take(5)) layer.Trainable = false;
        var rows = LayerMeasurement.Of(network, 1, roofline, runs: 1);
        Assert.All(rows.Take(6), row => Assert.Equal((0, 0), (row.Backward.Flops, row.Backward.Milliseconds)));
        Assert.True(rows[6].Backward.Flops > 0);
    }

    [SkippableFact]
    public void NothingOfTheNetworkChanges()
    {
        using var network = Network().Initialize(Device, 1);
        var before = network.Parameters.Select(parameter => parameter.Value.ToArray()).ToArray();
        LayerMeasurement.Of(network, 1, roofline, runs: 1);
        foreach (var (parameter, values) in network.Parameters.Zip(before))
        {
            Assert.Equal(values, parameter.Value.ToArray());
            Assert.Null(parameter.Value.Gradient);
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class LayerMeasurementOnOpenCl(OpenClDevice opened) : LayerMeasurementTests(opened)
{
    [SkippableFact]
    public void ADeviceHasARoof()
    {
        var roofline = Roofline.Measure(Device, runs: 1);
        Assert.True(roofline is { Gigaflops: > 0, GigabytesPerSecond: > 0 } && double.IsFinite(roofline.Ridge));
    }
}

[Collection(OnIlgpu.Name)]
public sealed class LayerMeasurementOnIlgpu(IlgpuDevice opened) : LayerMeasurementTests(opened);
