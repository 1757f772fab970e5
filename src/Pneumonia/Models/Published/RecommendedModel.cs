namespace Convolve.Pneumonia.Models;

/// <summary>The trained network that is part of the program; its model card is <c>weights/compact.md</c>.</summary>
public static class RecommendedModel
{
    /// <summary>Its checkpoint, in the program's folder.</summary>
    public static string Path => System.IO.Path.Combine(AppContext.BaseDirectory, "weights", "compact.safetensors");
}
