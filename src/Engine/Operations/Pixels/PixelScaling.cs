namespace Convolve.Engine.Operations.Pixels;

/// <summary>What a network wants made of a byte: value = byte · scale + offset of the channel, the channels in order or reversed.</summary>
/// <param name="Scale">Multiplies every byte.</param>
/// <param name="FirstOffset">Added to channel 0 of the result.</param>
/// <param name="SecondOffset">Added to channel 1 of the result.</param>
/// <param name="ThirdOffset">Added to channel 2 of the result and any after it.</param>
/// <param name="Reversed">1 if the result's channels are the image's in reverse order, else 0 (kernels take no bool).</param>
public readonly record struct PixelScaling(
    float Scale, float FirstOffset = 0, float SecondOffset = 0, float ThirdOffset = 0, int Reversed = 0)
{
    /// <summary>A byte becomes the number it is.</summary>
    public static PixelScaling None { get; } = new(1);

    /// <summary>0 … 255 becomes 0 … 1: Keras' <c>rescale=1./255</c>.</summary>
    public static PixelScaling Rescale { get; } = new(1f / 255f);

    /// <summary>
    /// Red, green, blue become blue, green, red, less the means of ImageNet: what VGG was trained with (Keras'
    /// <c>preprocess_input(mode='caffe')</c>).
    /// </summary>
    public static PixelScaling Caffe { get; } = new(1, -103.939f, -116.779f, -123.68f, 1);

    /// <summary>Which channel of the image a channel of the result is made of.</summary>
    internal int Source(int channel, int channels) => Reversed != 0 ? channels - 1 - channel : channel;

    /// <summary>The value of a byte, which may lie between two whole ones, in a channel of the result.</summary>
    internal float Apply(float value, int channel) => value * Scale + (channel == 0 ? FirstOffset : channel == 1 ? SecondOffset : ThirdOffset);
}
