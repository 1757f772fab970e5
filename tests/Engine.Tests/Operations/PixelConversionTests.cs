using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Operations;

public abstract class PixelConversionTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableTheory]
    [InlineData(1, 1)]
    [InlineData(1, 3)]
    [InlineData(255, 3)]
    [InlineData(8193, 1)]
    [InlineData(2731, 4)]
    public void BytesBecomeFloats(int length, int channels)
    {
        var bytes = new byte[length * channels];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(i * 7 + 255);
        using var staged = new StagedPixels(Device, bytes.Length + 5);
        staged.Upload(bytes);
        using var target = Prefilled(new Shape(length, channels));
        PixelConversionOperation.Apply(staged, target, PixelScaling.Rescale);
        Tolerance.Elementwise.Check("pixels / 255", Array.ConvertAll(bytes, b => b / 255.0), target.ToArray());
        PixelConversionOperation.Apply(staged, target, new PixelScaling(2, -3, 0.25f, 1, -20, 0.5f));
        Tolerance.Elementwise.Check("pixels, scaled and shifted",
            PixelReference.Convert(bytes, channels, new PixelScaling(2, -3, 0.25f, 1, -20, 0.5f)), target.ToArray());
        if (channels == 3)
        {
            PixelConversionOperation.Apply(staged, target, PixelScaling.Caffe);
            double[] means = [103.939f, 116.779f, 123.68f];
            // Blue, green, red.
            Tolerance.Elementwise.Check("caffe", [.. bytes.Select((_, i) => bytes[i / 3 * 3 + 2 - i % 3] - means[i % 3])],
                target.ToArray());
            PixelConversionOperation.Apply(staged, target, PixelScaling.Torchvision);
            (double Mean, double Deviation)[] ofImageNet = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];
            // Numbers of about two are subtracted.
            new Tolerance(1e-6, 2e-6).Check("torchvision",
                [.. bytes.Select((b, i) => (b / 255.0 - ofImageNet[i % 3].Mean) / ofImageNet[i % 3].Deviation)], target.ToArray());
        }
        using var larger = Prefilled(new Shape(length + 1, channels));
        Assert.Contains($"{bytes.Length} were given",
            Assert.Throws<ArgumentException>(() => PixelConversionOperation.Apply(staged, larger, PixelScaling.Rescale)).Message);
    }

    [SkippableFact]
    public void WhatIsUploadedWhileKernelsRunIsWhatTheNextOnesRead()
    {
        const int Length = 100_000;
        using var first = new StagedPixels(Device, Length);
        using var second = new StagedPixels(Device, Length);
        using var target = Prefilled(new Shape(Length, 1));
        var (current, next) = (first, second);
        var bytes = new byte[Length];
        current.Upload(bytes);
        for (var step = 1; step <= 5; step++)
        {
            PixelConversionOperation.Apply(current, target, new PixelScaling(1));
            Array.Fill(bytes, (byte)step);
            next.Upload(bytes);
            Assert.All(target.ToArray(), value => Assert.Equal(step - 1, value));
            (current, next) = (next, current);
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class PixelConversionOnOpenCl(OpenClDevice device) : PixelConversionTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class PixelConversionOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : PixelConversionTests(device);

[Collection(OnIlgpu.Name)]
public sealed class PixelConversionOnIlgpu(IlgpuDevice device) : PixelConversionTests(device);
