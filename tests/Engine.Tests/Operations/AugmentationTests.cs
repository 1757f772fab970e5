using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using FsCheck;
using FsCheck.Fluent;

namespace Convolve.Engine.Tests.Operations;

/// <summary>A random augmentation and the seed of its pixels and maps.</summary>
public sealed record AugmentationCase(AugmentationGeometry Geometry, AugmentationRanges Ranges, PixelScaling Scaling, int Seed)
{
    public byte[] Pixels
    {
        get
        {
            var pixels = new byte[Geometry.Shape.Length];
            new Random(Seed).NextBytes(pixels);
            return pixels;
        }
    }

    public AffineMap[] Maps =>
        [.. Enumerable.Range(0, Geometry.Batch).Select(n => Ranges.Draw((uint)Seed, 3, n, Geometry.Height, Geometry.Width))];

    public static Gen<AugmentationCase> Generator(int largestWork) =>
        from batch in Gen.Choose(1, 4)
        from height in Gen.Choose(1, 40)
        from width in Gen.Choose(1, 40)
        from channels in Gen.Elements(1, 3, 4)
        from fill in Gen.Elements(Fill.Nearest, Fill.Reflect, Fill.Constant)
        from fillValue in Gen.Choose(0, 255)
        from rotation in Gen.Elements(0.0, 40, 180)
        from shift in Gen.Elements(0.0, 0.2, 3)
        from shear in Gen.Elements(0.0, 0.2, 30)
        from zoom in Gen.Elements((1.0, 1.0), (0.8, 1.2), (0.1, 5.0))
        from brightness in Gen.Elements(0.0, 0.3, 1)
        from flip in RandomCases.Coin
        from scaling in Gen.Elements(PixelScaling.Rescale, PixelScaling.Caffe, PixelScaling.Torchvision)
        from seed in RandomCases.Seed
        let geometry = AugmentationGeometry.Create(new Shape(batch, height, width, channels), fill, fillValue)
        where geometry.Shape.Length * 20 <= largestWork
        select new AugmentationCase(geometry, new AugmentationRanges
        {
            Rotation = rotation,
            WidthShift = shift,
            HeightShift = shift,
            Shear = shear,
            ZoomLow = zoom.Item1,
            ZoomHigh = zoom.Item2,
            Brightness = brightness,
            HorizontalFlip = flip,
            Fill = fill,
            FillValue = fillValue,
        }, scaling, seed);
}

public abstract class AugmentationTests(OpenedDevice opened) : DeviceTests(opened)
{
    private static readonly PixelScaling asBytes = new(1);

    private float[] Augment(AugmentationGeometry g, byte[] pixels, AffineMap[] maps, PixelScaling scaling)
    {
        var numbers = new float[maps.Length * AffineMap.Length];
        for (var i = 0; i < maps.Length; i++) maps[i].CopyTo(numbers.AsSpan(i * AffineMap.Length));
        using var staged = new StagedPixels(Device, pixels.Length);
        staged.Upload(pixels);
        using var onDevice = Upload(new Shape(maps.Length, AffineMap.Length), numbers);
        using var target = Prefilled(g.Shape);
        AugmentationOperation.Apply(staged, onDevice, target, g, scaling);
        return target.ToArray();
    }

    [SkippableFact]
    public void AgreesWithTheReference() =>
        ForAll(AugmentationCase.Generator(LargestWork), 80, c =>
        {
            var g = c.Geometry;
            var expected = AugmentationReference.Apply(g, c.Pixels, c.Maps, c.Scaling);
            // A coordinate of a few hundred pixels is rounded to some 1e-5 of one, and neighbours differ by up to 255 · brightness.
            var reach = c.Maps.Max(m => Math.Max(
                Math.Abs(m.RowOffset) + (Math.Abs(m.RowFromRow) + Math.Abs(m.RowFromColumn)) * 40,
                Math.Abs(m.ColumnOffset) + (Math.Abs(m.ColumnFromRow) + Math.Abs(m.ColumnFromColumn)) * 40));
            new Tolerance(510 * Enumerable.Range(0, 3).Max(c.Scaling.ScaleOf) * (1e-6 + 4e-7 * reach), 2e-6)
                .Check("augmentation", expected, Augment(g, c.Pixels, c.Maps, c.Scaling));
        });

    [SkippableFact]
    public void TheIdentityChangesNotABit() =>
        ForAll(AugmentationCase.Generator(LargestWork), 30, c =>
        {
            var g = c.Geometry;
            using var staged = new StagedPixels(Device, c.Pixels.Length);
            staged.Upload(c.Pixels);
            using var plain = Prefilled(g.Shape);
            PixelConversionOperation.Apply(staged, plain, c.Scaling);
            Assert.Equal(plain.ToArray(), Augment(g, c.Pixels, [.. Enumerable.Repeat(AffineMap.Identity, g.Batch)], c.Scaling));
            // Empty ranges give the identity.
            var nothing = new AugmentationRanges
            {
                Rotation = 0,
                WidthShift = 0,
                HeightShift = 0,
                Shear = 0,
                ZoomLow = 1,
                ZoomHigh = 1,
                HorizontalFlip = false,
            };
            Assert.Equal(plain.ToArray(),
                Augment(g, c.Pixels, [.. Enumerable.Range(0, g.Batch).Select(n => nothing.Draw(1, 1, n, g.Height, g.Width))], c.Scaling));
        });

    [SkippableFact]
    public void ResultsStayBetweenTheDarkestAndTheBrightestPixel() =>
        ForAll(AugmentationCase.Generator(LargestWork), 60, c =>
        {
            var g = c.Geometry;
            // Maps far outside the usual range, and invalid ones.
            var random = new Random(c.Seed);
            float Wild() => random.Next(5) switch
            {
                0 => float.NaN,
                1 => float.PositiveInfinity,
                2 => -1e30f,
                3 => random.Next(-1000, 1000),
                _ => random.NextSingle(),
            };
            AffineMap[] wild = [.. Enumerable.Range(0, g.Batch).Select(_ => new AffineMap(Wild(), Wild(), Wild(), Wild(), Wild(), Wild()))];
            byte[] pixels = [.. c.Pixels.Select(p => (byte)(60 + p / 2))];
            float low = pixels.Min(), high = pixels.Max();
            if (g.Fill == Fill.Constant) (low, high) = (Math.Min(low, g.FillValue), Math.Max(high, g.FillValue));
            foreach (var maps in new[] { wild, [.. c.Maps.Select(m => m with { Brightness = 1 })] })
                Assert.All(Augment(g, pixels, maps, asBytes), value => Assert.InRange(value, low - 1e-3f, high + 1e-3f));
        });

    [SkippableFact]
    public void AnInverseMapBringsAnImageBack() =>
        ForAll(Gen.Choose(0, int.MaxValue - 1), 20, seed =>
        {
            const int Size = 64;
            var g = AugmentationGeometry.Create(new Shape(1, Size, Size, 1));
            // A slow wave: bilinear interpolation has an error of at most 1/8 of its second derivative each time, and rounding to bytes of
            // ½.
            const double Frequency = 2 * Math.PI / 48;
            var pixels = new byte[Size * Size];
            for (var i = 0; i < pixels.Length; i++)
                pixels[i] = (byte)Math.Round(128 + 50 * Math.Sin(Frequency * (i / Size)) + 50 * Math.Cos(Frequency * (i % Size)));
            var map = new AugmentationRanges().Draw((uint)seed, 1, 7, Size, Size);
            var there = Augment(g, pixels, [map], asBytes);
            var back = Augment(g, [.. there.Select(v => (byte)MathF.Round(v))], [map.Inverse()], asBytes);
            var (compared, inverse) = (0, map.Inverse());
            // Near an edge of the mapped image, up to 1.25 · √2 pixels away here, some pixels were filled from outside.
            for (var y = 2; y < Size - 2; y++)
                for (var x = 2; x < Size - 2; x++)
                {
                    // Pixels that left the image do not return.
                    var row = inverse.RowFromRow * y + inverse.RowFromColumn * x + inverse.RowOffset;
                    var column = inverse.ColumnFromRow * y + inverse.ColumnFromColumn * x + inverse.ColumnOffset;
                    if (row < 1 || row > Size - 2 || column < 1 || column > Size - 2) continue;
                    compared++;
                    Assert.InRange(back[y * Size + x], pixels[y * Size + x] - 3f, pixels[y * Size + x] + 3f);
                }
            Assert.True(compared > Size * Size / 4, $"only {compared} pixels came back");
        });

    [SkippableFact]
    public void WholeShiftsAndMirrorsMoveWholePixels()
    {
        byte[] image = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        float[] Of(AffineMap map, Fill fill) =>
            Augment(AugmentationGeometry.Create(new Shape(1, 3, 3, 1), fill, 77), image, [map], asBytes);
        var mirror = new AffineMap(1, 0, 0, 0, -1, 2);
        Assert.Equal([3, 2, 1, 6, 5, 4, 9, 8, 7], Of(mirror, Fill.Nearest));
        var twoRight = AffineMap.Identity with { ColumnOffset = -2 };
        Assert.Equal([1, 1, 1, 4, 4, 4, 7, 7, 7], Of(twoRight, Fill.Nearest));
        Assert.Equal([2, 1, 1, 5, 4, 4, 8, 7, 7], Of(twoRight, Fill.Reflect));
        Assert.Equal([77, 77, 1, 77, 77, 4, 77, 77, 7], Of(twoRight, Fill.Constant));
        var twoUp = AffineMap.Identity with { RowOffset = 2 };
        Assert.Equal([7, 8, 9, 7, 8, 9, 4, 5, 6], Of(twoUp, Fill.Reflect));
        Assert.Equal([2, 4, 6, 8, 10, 12, 14, 16, 18], Of(AffineMap.Identity with { Brightness = 2 }, Fill.Nearest));
        Assert.Equal([200, 255, 255, 255, 255, 255, 255, 255, 255], Of(AffineMap.Identity with { Brightness = 200 }, Fill.Nearest));
    }

    [SkippableFact]
    public void SizesThatDoNotFitAreRefused()
    {
        using var staged = new StagedPixels(Device, 16);
        staged.Upload(new byte[16]);
        using var maps = Prefilled(new Shape(1, AffineMap.Length));
        using var fewMaps = Prefilled(new Shape(1, 6));
        using var target = Prefilled(new Shape(1, 4, 4, 1));
        using var larger = Prefilled(new Shape(1, 4, 5, 1));
        var g = AugmentationGeometry.Create(target.Shape);
        Assert.Contains("[1,4,5,1]",
            Assert.Throws<ArgumentException>(() => AugmentationOperation.Apply(staged, maps, larger, g, asBytes)).Message);
        Assert.Contains("but 16 were given", Assert.Throws<ArgumentException>(
            () => AugmentationOperation.Apply(staged, maps, larger, AugmentationGeometry.Create(larger.Shape), asBytes)).Message);
        Assert.Contains("[1,6]",
            Assert.Throws<ArgumentException>(() => AugmentationOperation.Apply(staged, fewMaps, target, g, asBytes)).Message);
        Assert.Contains("17 bytes", Assert.Throws<ArgumentException>(() => staged.Upload(new byte[17])).Message);
        Assert.Contains("[N,H,W,C]", Assert.Throws<ArgumentException>(() => AugmentationGeometry.Create(new Shape(4, 4))).Message);
    }
}

public sealed class AugmentationRangesTests
{
    [Fact]
    public void MapsDependOnSeedEpochAndImageAlone()
    {
        var ranges = new AugmentationRanges();
        var maps = new HashSet<AffineMap>();
        for (var seed = 0u; seed < 4; seed++)
            for (var epoch = 0; epoch < 10; epoch++)
                for (var image = 0; image < 50; image++)
                    Assert.True(maps.Add(ranges.Draw(seed, epoch, image, 150, 150)), $"{seed}, {epoch}, {image}: drawn before");
        // Drawn again, in another order and on several threads.
        Parallel.For(0, 50, image => Assert.Contains(ranges.Draw(2, 7, 49 - image, 150, 150), maps));
    }

    [Fact]
    public void DrawsFillTheirRanges()
    {
        const int Draws = 4000, Size = 101;
        var maps = Enumerable.Range(0, Draws)
            .Select(image => new AugmentationRanges { Shear = 0, Brightness = 0.3 }.Draw(9, 1, image, Size, Size)).ToArray();
        // rotation · zoom has columns with the zooms' lengths at the rotation's angle; a flip has a negative determinant.
        double[] rowZoom = [.. maps.Select(m => Math.Sqrt(m.RowFromRow * m.RowFromRow + m.ColumnFromRow * m.ColumnFromRow))];
        double[] columnZoom = [.. maps.Select(m => Math.Sqrt(m.RowFromColumn * m.RowFromColumn + m.ColumnFromColumn * m.ColumnFromColumn))];
        double[] angle = [.. maps.Select(m => double.RadiansToDegrees(Math.Atan2(m.ColumnFromRow, m.RowFromRow)))];
        // The source of the centre, minus the centre, rotated back, is the shift.
        double[] shift = [.. maps.Select((m, i) =>
        {
            double row = m.RowFromRow * 50 + m.RowFromColumn * 50 + m.RowOffset - 50,
                column = m.ColumnFromRow * 50 + m.ColumnFromColumn * 50 + m.ColumnOffset - 50;
            var a = double.DegreesToRadians(angle[i]);
            return (Math.Cos(a) * row + Math.Sin(a) * column) / Size;
        })];
        foreach (var (values, low, high) in new[]
        {
            (rowZoom, 0.8, 1.2), (columnZoom, 0.8, 1.2), (angle, -40.0, 40.0), (shift, -0.2, 0.2),
                (maps.Select(m => (double)m.Brightness).ToArray(), 0.7, 1.3),
        })
        {
            var (width, slack) = (high - low, 1e-4 * (high - low) + 1e-5);
            Assert.InRange(values.Min(), low - slack, low + width * 0.01);
            Assert.InRange(values.Max(), high - width * 0.01, high + slack);
            // Six standard deviations of a mean of uniform numbers.
            Assert.InRange(values.Average(), (low + high) / 2 - width * 0.0275, (low + high) / 2 + width * 0.0275);
        }
        Assert.InRange(maps.Count(m => m.RowFromRow * m.ColumnFromColumn - m.RowFromColumn * m.ColumnFromRow < 0), 0.45 * Draws,
            0.55 * Draws);
    }

    [Fact]
    public void AMapAndItsInverseAreTheIdentity() =>
        RandomCases.ForAll(RandomCases.Seed, 100, seed =>
        {
            var map = new AugmentationRanges { Brightness = 0.5 }.Draw((uint)seed, 1, 1, 150, 210);
            var inverse = map.Inverse();
            foreach (var (row, column) in new[] { (0f, 0f), (149f, 0f), (0f, 209f), (75f, 100f) })
            {
                var throughRow = map.RowFromRow * row + map.RowFromColumn * column + map.RowOffset;
                var throughColumn = map.ColumnFromRow * row + map.ColumnFromColumn * column + map.ColumnOffset;
                Assert.Equal(row, inverse.RowFromRow * throughRow + inverse.RowFromColumn * throughColumn + inverse.RowOffset, 1e-3);
                Assert.Equal(column, inverse.ColumnFromRow * throughRow + inverse.ColumnFromColumn * throughColumn
                    + inverse.ColumnOffset, 1e-3);
            }
            Assert.Equal(1, map.Brightness * inverse.Brightness, 1e-6);
        });

    [Fact]
    public void RangesThatMakeNoSenseAreRefused()
    {
        foreach (var ranges in new AugmentationRanges[]
        {
            new() { Rotation = -1 }, new() { WidthShift = double.NaN }, new() { HeightShift = double.PositiveInfinity },
                new() { ZoomLow = 0 },
            new() { ZoomLow = 1.3 }, new() { Brightness = 1.1 },
        })
            Assert.Contains("augmentation: ", Assert.Throws<ArgumentOutOfRangeException>(() => ranges.Draw(1, 1, 1, 10, 10)).Message);
        Assert.Throws<InvalidOperationException>(() => new AffineMap(1, 2, 0, 2, 4, 0).Inverse());
    }
}

[Collection(OnOpenCl.Name)]
public sealed class AugmentationOnOpenCl(OpenClDevice device) : AugmentationTests(device);

[Collection(OnOpenClInGpuShape.Name)]
public sealed class AugmentationOnOpenClInGpuShape(OpenClDeviceInGpuShape device) : AugmentationTests(device);

[Collection(OnIlgpu.Name)]
public sealed class AugmentationOnIlgpu(IlgpuDevice device) : AugmentationTests(device);
