namespace Convolve.Pneumonia.Weights;

/// <summary>The network that comes with the program, for those who have not trained one; its card is <c>weights/compact.md</c>.</summary>
public static class RecommendedModel
{
    /// <summary>Its checkpoint, beside the program.</summary>
    public static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "weights", "compact.safetensors");
}
