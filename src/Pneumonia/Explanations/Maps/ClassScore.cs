namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// How much a network speaks for a class: the class's logit. A single logit stands for two classes, and speaks for the first by being
/// negative.
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
