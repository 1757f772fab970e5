namespace Convolve.Pneumonia.Train;

/// <summary>Weight of each class in the loss.</summary>
public enum ClassWeights
{
    /// <summary>Equal weight for every image.</summary>
    None,

    /// <summary>Equal weight for every class: an image of class c counts n / (classes · n_c).</summary>
    Balanced,
}
