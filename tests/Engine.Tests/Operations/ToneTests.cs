using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random batch and the changes of its images.</summary>
public sealed record ToneCase(Shape Shape, AugmentationRanges Ranges, PixelScaling Scaling, int Seed)
{
    public float[] Values
    {
        get
        {
            var random = new Random(Seed);
            return [.. Enumerable.Range(0, Shape.Length).Select(_ => random.NextSingle() * 255)];
        }
    }

    public ToneChange[] Tones => [.. Enumerable.Range(0, Shape[0]).Select(n => Ranges.DrawTones((uint)Seed, 3, n))];

    public static Gen<ToneCase> Generator(int largestWork) =>
        from batch in Gen.Choose(1, 4)
        from height in Gen.Choose(1, 30)
        from width in Gen.Choose(1, 30)
        from channels in Gen.Elements(1, 3, 4)
        from sharpness in Gen.Elements(0.0, 0.5, 2)
        from gamma in Gen.Elements(0.0, 0.5, 3)
        from contrast in Gen.Elements(0.0, 0.3, 1)
        from noise in Gen.Elements(0.0, 0.1)
        from scaling in Gen.Elements(PixelScaling.Rescale, PixelScaling.Caffe, PixelScaling.Torchvision)
        from seed in RandomCases.Seed
        let shape = new Shape(batch, height, width, channels)
        where shape.Length * 40 <= largestWork
        select new ToneCase(shape, new AugmentationRanges { Sharpness = sharpness, Gamma = gamma, Contrast = contrast, Noise = noise },
            scaling, seed);
}

public abstract class ToneTests(OpenedDevice opened) : DeviceTests(opened)
{
    private float[] Tone(Shape shape, float[] values, ToneChange[] tones, PixelScaling scaling)
    {
        var numbers = new float[tones.Length * ToneChange.Length];
        for (var i = 0; i < tones.Length; i++) tones[i].CopyTo(numbers.AsSpan(i * ToneChange.Length));
        using var source = Upload(shape, values);
        using var onDevice = Upload(new Shape(tones.Length, ToneChange.Length), numbers);
        using var target = Prefilled(shape);
        ToneOperation.Apply(source, onDevice, target, scaling);
        return target.ToArray();
    }

    [SkippableFact]
    public void AgreesWithTheReference() =>
        ForAll(ToneCase.Generator(LargestWork), 60, c =>
            // Near black a curve with a small exponent is steep: 1e-6 to the power ¼ is 0.03.
            new Tolerance(255 * Enumerable.Range(0, 3).Max(c.Scaling.ScaleOf) * 2e-5, 1e-5)
                .Check("toning", ToneReference.Apply(c.Shape, c.Values, c.Tones, c.Scaling),
                Tone(c.Shape, c.Values, c.Tones, c.Scaling)));

    [SkippableFact]
    public void NoChangeLeavesTheValues()
    {
        var c = new ToneCase(new Shape(2, 9, 7, 3), new AugmentationRanges(), PixelScaling.None, 4);
        foreach (var tones in new[] { c.Tones, [ToneChange.None, ToneChange.None] })
            new Tolerance(1e-3, 1e-5).Check("values", [.. c.Values.Select(v => (double)v)], Tone(c.Shape, c.Values, tones, c.Scaling));
    }

    [SkippableFact]
    public void ResultsStayInTheRange() =>
        ForAll(ToneCase.Generator(LargestWork), 30, c =>
        {
            ToneChange[] wild = [.. c.Tones.Select(t => t with { Sharpness = 1e6f, Contrast = 1e6f, Noise = 100 })];
            Assert.All(Tone(c.Shape, c.Values, wild, PixelScaling.None), value => Assert.InRange(value, 0, 255));
        });

    [SkippableFact]
    public void AnEdgeIsBlurredAndSharpened()
    {
        float[] edge = [100, 100, 100, 200, 200, 200];
        var shape = new Shape(1, 1, 6, 1);
        float[] Of(float sharpness) => Tone(shape, edge, [ToneChange.None with { Sharpness = sharpness }], PixelScaling.None);
        new Tolerance(1e-2, 0).Check("blurred", [100, 100, 125, 175, 200, 200], Of(-1));
        new Tolerance(1e-2, 0).Check("sharpened", [100, 100, 75, 225, 200, 200], Of(1));
    }

    [SkippableFact]
    public void NoiseHasItsDeviationAndLeavesGrayImagesGray()
    {
        const int Size = 100;
        var shape = new Shape(1, Size, Size, 3);
        float[] gray = [.. Enumerable.Repeat(128f, shape.Length)];
        var noisy = Tone(shape, gray, [ToneChange.None with { Noise = 0.1f, NoiseKey = 12345 }], PixelScaling.None);
        double[] first = [.. Enumerable.Range(0, Size * Size).Select(i => noisy[3 * i] / 255.0)];
        for (var i = 0; i < Size * Size; i++) Assert.True(noisy[3 * i] == noisy[3 * i + 1] && noisy[3 * i] == noisy[3 * i + 2]);
        var mean = first.Average();
        // Six standard deviations of a mean, and of a deviation, of ten thousand numbers.
        Assert.InRange(mean, 128 / 255.0 - 0.006, 128 / 255.0 + 0.006);
        Assert.InRange(Math.Sqrt(first.Average(v => (v - mean) * (v - mean))), 0.0958, 0.1042);
    }

    [SkippableFact]
    public void SizesThatDoNotFitAreRefused()
    {
        using var values = Prefilled(new Shape(2, 4, 4, 1));
        using var tones = Prefilled(new Shape(2, ToneChange.Length));
        using var few = Prefilled(new Shape(1, ToneChange.Length));
        using var larger = Prefilled(new Shape(2, 4, 5, 1));
        Assert.Contains("[2,4,5,1]",
            Assert.Throws<ArgumentException>(() => ToneOperation.Apply(values, tones, larger, PixelScaling.None)).Message);
        Assert.Contains("[1,5]",
            Assert.Throws<ArgumentException>(() => ToneOperation.Apply(values, few, values, PixelScaling.None)).Message);
    }
}

public sealed class ToneDrawTests
{
    [Fact]
    public void DrawsFillTheirRangesAndRepeat()
    {
        const int Draws = 4000;
        var ranges = new AugmentationRanges { Sharpness = 1.5, Gamma = 0.5, Contrast = 0.2, Noise = 0.06 };
        ToneChange[] tones = [.. Enumerable.Range(0, Draws).Select(image => ranges.DrawTones(9, 1, image))];
        Assert.Equal(tones, Enumerable.Range(0, Draws).Select(image => ranges.DrawTones(9, 1, image)));
        Assert.Equal(Draws, tones.Distinct().Count());
        foreach (var (values, low, high) in new[]
        {
            (tones.Select(t => (double)t.Sharpness), -1, 1.5), (tones.Select(t => Math.Log(t.Gamma)), -Math.Log(1.5), Math.Log(1.5)),
            (tones.Select(t => (double)t.Contrast), 0.8, 1.2), (tones.Select(t => (double)t.Noise), 0, 0.06),
        })
        {
            var (width, slack) = (high - low, 1e-4 * (high - low));
            Assert.InRange(values.Min(), low - slack, low + width * 0.01);
            Assert.InRange(values.Max(), high - width * 0.01, high + slack);
            // Six standard deviations of a mean of uniform numbers.
            Assert.InRange(values.Average(), (low + high) / 2 - width * 0.0275, (low + high) / 2 + width * 0.0275);
        }
        Assert.All(tones, t => Assert.InRange(t.NoiseKey, 0, (1 << 24) - 1));
    }

    [Fact]
    public void OnlyAShareOfTheImagesIsChanged()
    {
        const int Draws = 4000;
        var ranges = new AugmentationRanges { Sharpness = 1, Share = 0.7 };
        var moved = Enumerable.Range(0, Draws).Count(image => ranges.Draw(1, 1, image, 50, 50) != AffineMap.Identity);
        var toned = Enumerable.Range(0, Draws).Count(image => ranges.DrawTones(1, 1, image) != ToneChange.None);
        // Six standard deviations.
        Assert.InRange(moved / (double)Draws, 0.656, 0.744);
        Assert.InRange(toned / (double)Draws, 0.656, 0.744);
        var both = Enumerable.Range(0, Draws)
            .Count(image => ranges.Draw(1, 1, image, 50, 50) != AffineMap.Identity && ranges.DrawTones(1, 1, image) != ToneChange.None);
        Assert.InRange(both / (double)Draws, 0.442, 0.538);
    }

    [Fact]
    public void RangesThatMakeNoSenseAreRefused()
    {
        foreach (var ranges in new AugmentationRanges[] { new() { Contrast = 1.1 }, new() { Noise = -1 }, new() { Gamma = double.NaN },
            new() { Sharpness = -0.1 }, new() { Share = 1.5 } })
            Assert.Contains("augmentation: ", Assert.Throws<ArgumentOutOfRangeException>(() => ranges.DrawTones(1, 1, 1)).Message);
    }
}

[Collection(OnOpenCl.Name)]
public sealed class ToneOnOpenCl(OpenClDevice device) : ToneTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class ToneOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : ToneTests(device);

[Collection(OnIlgpu.Name)]
public sealed class ToneOnIlgpu(IlgpuDevice device) : ToneTests(device);
