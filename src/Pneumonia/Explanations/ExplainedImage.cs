namespace Convolve.Pneumonia.Explanations;

/// <summary>One image with the values and maps of a network for it.</summary>
/// <param name="Path">The file as it was named.</param>
/// <param name="Name">A name for it that no other image has, fit for a folder.</param>
/// <param name="Pixels">[Side, Side, channels] bytes, as scaled for the network.</param>
/// <param name="Side">Width and height.</param>
/// <param name="Input">[Side, Side, channels], the values that the network takes.</param>
/// <param name="Outputs">The output of every stage of the network.</param>
/// <param name="Probabilities">Of every class, in the order of the network's outputs.</param>
/// <param name="ClassIndex">The class that is explained.</param>
/// <param name="GradCam">Where a layer found evidence for that class; null if no layer has a spatial output.</param>
/// <param name="HiResCam">What each place of that layer adds to the class's score; null if no layer has a spatial output.</param>
/// <param name="Occlusion">How much the class's score falls where the picture is covered.</param>
public sealed record ExplainedImage(
    string Path, string Name, byte[] Pixels, int Side, float[] Input, IReadOnlyList<float[]> Outputs, double[] Probabilities,
    int ClassIndex,
    HeatMap? GradCam, HeatMap? HiResCam, HeatMap Occlusion)
{
    /// <summary>The pixels in gray, [Side, Side].</summary>
    public byte[] Gray
    {
        get
        {
            var channels = Pixels.Length / (Side * Side);
            return channels == 1 ? Pixels
                : [.. Enumerable.Range(0, Side * Side).Select(i => (byte)((Pixels[3 * i] + Pixels[3 * i + 1] + Pixels[3 * i + 2]) / 3))];
        }
    }
}
