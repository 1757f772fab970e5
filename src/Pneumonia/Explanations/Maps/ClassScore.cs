namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// The score of a class: its logit. The single logit of a network for two classes is the score of the second one; its negative is the score
/// of the first.
/// </summary>
public static class ClassScore
{
    /// <summary>The score of a class among an image's logits.</summary>
    public static double Of(ReadOnlySpan<float> logits, int classIndex) =>
        logits.Length == 1 ? (classIndex == 1 ? logits[0] : -logits[0]) : logits[classIndex];

    /// <summary>The derivative of the score with respect to each logit.</summary>
    public static float[] Gradient(int logits, int classIndex)
    {
        var gradient = new float[logits];
        if (logits == 1) gradient[0] = classIndex == 1 ? 1 : -1;
        else gradient[classIndex] = 1;
        return gradient;
    }
}
