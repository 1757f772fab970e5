namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>summary</c> was asked for; one of <paramref name="Model"/> and <paramref name="Run"/> is given.</summary>
/// <param name="Model">Network to build, or null.</param>
/// <param name="Pixels">Width and height of its images.</param>
/// <param name="Run">Run folder, or null.</param>
/// <param name="Measure">Also run it and report times.</param>
public sealed record SummarySettings(ModelKind? Model, int Pixels, string? Run, bool Measure, string Device, bool Json);

/// <summary>Lists a network's layers, shapes and costs.</summary>
public static class NetworkSummary
{
    public static Task<int> RunAsync(SummarySettings settings, Terminal terminal, CancellationToken cancellation) =>
        throw new NotImplementedException("summary");
}
