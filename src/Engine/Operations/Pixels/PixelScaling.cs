namespace Convolve.Engine.Operations.Pixels;

/// <summary>The scaling of bytes for a network: value = byte · scale + offset, per channel, with channels in order or reversed.</summary>
/// <param name="FirstScale">Multiplies the bytes of channel 0 of the result.</param>
/// <param name="SecondScale">The same for channel 1.</param>
/// <param name="ThirdScale">The same for channel 2 and any after it.</param>
/// <param name="FirstOffset">Added to channel 0 of the result.</param>
/// <param name="SecondOffset">Added to channel 1 of the result.</param>
/// <param name="ThirdOffset">Added to channel 2 of the result and any after it.</param>
/// <param name="Reversed">1 if the result's channels are the image's in reverse order, else 0 (kernels take no bool).</param>
public readonly record struct PixelScaling(
    float FirstScale, float SecondScale, float ThirdScale, float FirstOffset, float SecondOffset, float ThirdOffset, int Reversed = 0)
{
    /// <summary>The same scale for all channels, and no offset.</summary>
    public PixelScaling(float scale) : this(scale, scale, scale, 0, 0, 0)
    {
    }

    /// <summary>Bytes become the same numbers.</summary>
    public static PixelScaling None { get; } = new(1);

    /// <summary>0 … 255 becomes 0 … 1: Keras' <c>rescale=1./255</c>.</summary>
    public static PixelScaling Rescale { get; } = new(1f / 255f);

    /// <summary>
    /// Red, green, blue become blue, green, red, minus ImageNet's means, as VGG was trained (Keras'
    /// <c>preprocess_input(mode='caffe')</c>).
    /// </summary>
    public static PixelScaling Caffe { get; } = new(1, 1, 1, -103.939f, -116.779f, -123.68f, 1);

    /// <summary>
    /// 0 … 1, minus ImageNet's mean, divided by its standard deviation, per channel, as torchvision's networks were trained
    /// (<c>Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])</c>).
    /// </summary>
    public static PixelScaling Torchvision { get; } = Standardized((0.485, 0.229), (0.456, 0.224), (0.406, 0.225));

    /// <summary>The factor of a channel of the result.</summary>
    public float ScaleOf(int channel) => channel == 0 ? FirstScale : channel == 1 ? SecondScale : ThirdScale;

    /// <summary>The offset of a channel of the result.</summary>
    public float OffsetOf(int channel) => channel == 0 ? FirstOffset : channel == 1 ? SecondOffset : ThirdOffset;

    /// <summary>The source channel of a channel of the result.</summary>
    internal int Source(int channel, int channels) => Reversed != 0 ? channels - 1 - channel : channel;

    /// <summary>The scaled value of a byte, which may be fractional, in a channel of the result.</summary>
    internal float Apply(float value, int channel) => value * ScaleOf(channel) + OffsetOf(channel);

    // (byte / 255 − mean) / deviation, as one product and one sum.
    private static PixelScaling Standardized(
        (double Mean, double Deviation) first, (double Mean, double Deviation) second, (double Mean, double Deviation) third) => new(
        (float)(1 / (255 * first.Deviation)), (float)(1 / (255 * second.Deviation)), (float)(1 / (255 * third.Deviation)),
        (float)(-first.Mean / first.Deviation), (float)(-second.Mean / second.Deviation), (float)(-third.Mean / third.Deviation));
}
