using Convolve.Engine.Randomness;

namespace Convolve.Engine.Operations.Augmentation;

/// <summary>The fill rule for positions outside an image.</summary>
public enum Fill
{
    /// <summary>The pixel at the edge, repeated: aaa|abcd|ddd.</summary>
    Nearest,

    /// <summary>The image mirrored at its edge: cba|abcd|dcb.</summary>
    Reflect,

    /// <summary>One value: kkk|abcd|kkk.</summary>
    Constant,
}

/// <summary>
/// Ranges of the augmentation. The map of an image is rotation · shift · shear · zoom about the centre, then the flip: the order
/// and the meaning of Keras' <c>ImageDataGenerator</c> (keras-preprocessing, <c>apply_affine_transform</c>), with the centre in the
/// middle of the image. Defaults are those of the reference experiments.
/// </summary>
public sealed record AugmentationRanges
{
    /// <summary>Largest rotation in degrees, in either direction.</summary>
    public double Rotation { get; init; } = 40;

    /// <summary>Largest horizontal shift, as a fraction of the width.</summary>
    public double WidthShift { get; init; } = 0.2;

    /// <summary>Largest vertical shift, as a fraction of the height.</summary>
    public double HeightShift { get; init; } = 0.2;

    /// <summary>Largest shear in degrees, in either direction.</summary>
    public double Shear { get; init; } = 0.2;

    /// <summary>Smallest step between source pixels, per axis; below 1 the image grows.</summary>
    public double ZoomLow { get; init; } = 0.8;

    /// <summary>Largest step between source pixels, per axis; above 1 the image shrinks.</summary>
    public double ZoomHigh { get; init; } = 1.2;

    /// <summary>Whether half of the images are flipped horizontally.</summary>
    public bool HorizontalFlip { get; init; } = true;

    /// <summary>Values are multiplied by a number from 1 − this to 1 + this.</summary>
    public double Brightness { get; init; }

    /// <summary>Sharpness is drawn from −this, but not below −1, to this: see <see cref="ToneChange.Sharpness"/>.</summary>
    public double Sharpness { get; init; }

    /// <summary>Gamma is drawn from 1 / (1 + this) to 1 + this, uniformly in its logarithm.</summary>
    public double Gamma { get; init; }

    /// <summary>Contrast is drawn from 1 − this to 1 + this.</summary>
    public double Contrast { get; init; }

    /// <summary>The noise's standard deviation is drawn from 0 to this, as a fraction of the full range.</summary>
    public double Noise { get; init; }

    /// <summary>
    /// The fraction of images that are moved and, drawn independently, the fraction whose tones change; the others stay unchanged, so that
    /// training also sees images like those to predict.
    /// </summary>
    public double Share { get; init; } = 1;

    /// <summary>Whether tones are changed at all.</summary>
    public bool ChangesTones => Sharpness > 0 || Gamma > 0 || Contrast > 0 || Noise > 0;

    /// <summary>The fill rule.</summary>
    public Fill Fill { get; init; } = Fill.Nearest;

    /// <summary>The value beyond the edge under <see cref="Fill.Constant"/>, 0 … 255.</summary>
    public float FillValue { get; init; }

    /// <summary>
    /// The map of one image in one epoch. It depends only on these numbers and the ranges, so threads, batch size and resuming
    /// do not change it.
    /// </summary>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="epoch">The epoch; the same number gives the same copy again.</param>
    /// <param name="image">The number of the image.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">A range is negative, not finite, or out of order.</exception>
    public AffineMap Draw(uint seed, int epoch, int image, int height, int width)
    {
        Validate();
        var key = CounterRandom.Key(Purpose, seed, (uint)epoch, (uint)image);
        var next = 0u;
        double Between(double low, double high) => low + (high - low) * CounterRandom.Uniform(key, next++);
        var angle = double.DegreesToRadians(Between(-Rotation, Rotation));
        double rowShift = Between(-HeightShift, HeightShift) * height, columnShift = Between(-WidthShift, WidthShift) * width;
        var shear = double.DegreesToRadians(Between(-Shear, Shear));
        double rowZoom = Between(ZoomLow, ZoomHigh), columnZoom = Between(ZoomLow, ZoomHigh);
        var flip = Between(0, 1) < 0.5 && HorizontalFlip;
        var brightness = Between(1 - Brightness, 1 + Brightness);
        if (Between(0, 1) >= Share) return AffineMap.Identity;
        double cos = Math.Cos(angle), sin = Math.Sin(angle);
        // rotation [cos −sin; sin cos] · shear [1 −sin s; 0 cos s] · zoom, rows before columns
        double a = cos * rowZoom, b = (-cos * Math.Sin(shear) - sin * Math.Cos(shear)) * columnZoom;
        double d = sin * rowZoom, e = (-sin * Math.Sin(shear) + cos * Math.Cos(shear)) * columnZoom;
        double centreRow = (height - 1) / 2.0, centreColumn = (width - 1) / 2.0;
        var c = centreRow + cos * rowShift - sin * columnShift - (a * centreRow + b * centreColumn);
        var f = centreColumn + sin * rowShift + cos * columnShift - (d * centreRow + e * centreColumn);
        if (flip)
        {
            (b, c) = (-b, c + b * (width - 1));
            (e, f) = (-e, f + e * (width - 1));
        }
        return new AffineMap((float)a, (float)b, (float)c, (float)d, (float)e, (float)f, (float)brightness);
    }

    /// <summary>The tones of one image in one epoch, drawn as <see cref="Draw"/> draws its map.</summary>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="epoch">The epoch; the same number gives the same copy again.</param>
    /// <param name="image">The number of the image.</param>
    /// <exception cref="ArgumentOutOfRangeException">A range is negative, not finite, or too large.</exception>
    public ToneChange DrawTones(uint seed, int epoch, int image)
    {
        Validate();
        var key = CounterRandom.Key(TonePurpose, seed, (uint)epoch, (uint)image);
        var next = 0u;
        double Between(double low, double high) => low + (high - low) * CounterRandom.Uniform(key, next++);
        var sharpness = Between(-Math.Min(1, Sharpness), Sharpness);
        var gamma = Math.Exp(Between(-1, 1) * Math.Log(1 + Gamma));
        var contrast = Between(1 - Contrast, 1 + Contrast);
        var noise = Between(0, Noise);
        if (Between(0, 1) >= Share) return ToneChange.None;
        return new ToneChange((float)sharpness, (float)gamma, (float)contrast, (float)noise, (int)(CounterRandom.Bits(key, next) >> 8));
    }

    /// <summary>Every setting in words, for records.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"rotation ±{Rotation}°, shift ±{HeightShift} of the height and ±{WidthShift} of the width, ")
        + FormattableString.Invariant(
            $"shear ±{Shear}°, zoom {ZoomLow}–{ZoomHigh} per axis, horizontal flip {(HorizontalFlip ? "yes" : "no")}, ")
        + FormattableString.Invariant(
            $"brightness ±{Brightness}, fill {Fill.ToString().ToLowerInvariant()}{(Fill == Fill.Constant ? $" {FillValue}" : "")}")
        + (ChangesTones ? FormattableString.Invariant(
            $", sharpness −{Math.Min(1, Sharpness)}–{Sharpness}, gamma ×{1 + Gamma}^±1, contrast ±{Contrast}, noise up to {Noise}") : "")
        + (Share < 1 ? FormattableString.Invariant($"; place and tones each of {Share:P0} of the images") : "");

    // Makes these numbers independent of those of dropout, initializers and shuffling with the same seed.
    private const uint Purpose = 0x0A06, TonePurpose = 0x0A07;

    private void Validate()
    {
        foreach (var (name, value) in new[]
        {
            (nameof(Rotation), Rotation), (nameof(WidthShift), WidthShift), (nameof(HeightShift), HeightShift), (nameof(Shear), Shear),
            (nameof(Brightness), Brightness), (nameof(Sharpness), Sharpness), (nameof(Gamma), Gamma), (nameof(Contrast), Contrast),
            (nameof(Noise), Noise),
        })
            if (!(value >= 0 && double.IsFinite(value)))
                throw new ArgumentOutOfRangeException(name, value, $"augmentation: {name} {value} must be at least 0 and finite");
        if (!(ZoomLow > 0 && ZoomHigh >= ZoomLow && double.IsFinite(ZoomHigh)))
            throw new ArgumentOutOfRangeException(nameof(ZoomLow),
                $"augmentation: zoom from {ZoomLow} to {ZoomHigh} must be above 0 and in order");
        if (Brightness > 1)
            throw new ArgumentOutOfRangeException(nameof(Brightness), $"augmentation: brightness {Brightness} must be at most 1");
        if (!(Share >= 0 && Share <= 1))
            throw new ArgumentOutOfRangeException(nameof(Share), $"augmentation: share {Share} must lie between 0 and 1");
        if (Contrast > 1) throw new ArgumentOutOfRangeException(nameof(Contrast), $"augmentation: contrast {Contrast} must be at most 1");
    }
}
