namespace Convolve.Pneumonia.Train;

/// <summary>How much an image of each class counts in the loss.</summary>
public enum ClassWeights
{
    /// <summary>Every image the same.</summary>
    None,

    /// <summary>Every class the same: an image of class c counts n / (classes · n_c).</summary>
    Balanced,
}
