namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>predict</c> was asked for; one of <paramref name="Run"/> and <paramref name="Weights"/> is given.</summary>
/// <param name="Run">Run folder, or null.</param>
/// <param name="Weights">Weight file of a whole model, or null.</param>
/// <param name="Paths">Images and folders of images, at least one.</param>
/// <param name="Csv">File to write the answers to, or null.</param>
public sealed record PredictSettings(string? Run, string? Weights, IReadOnlyList<string> Paths, string? Csv, string Device, bool Json);

/// <summary>Tells class and probability of single images.</summary>
public static class Prediction
{
    public static Task<int> RunAsync(PredictSettings settings, Terminal terminal, CancellationToken cancellation) =>
        throw new NotImplementedException("predict");
}
