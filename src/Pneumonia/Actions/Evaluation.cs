using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Actions;

/// <summary>What <c>evaluate</c> was asked for.</summary>
/// <param name="Run">Run folder whose best checkpoint is scored.</param>
/// <param name="Data">Data folder.</param>
/// <param name="Part">Part of a tree to score; a flat folder is scored whole.</param>
public sealed record EvaluateSettings(string Run, string Data, ImagePart Part, string Device, int Seed, bool Json);

/// <summary>Scores a run's best checkpoint on a folder.</summary>
public static class Evaluation
{
    public static Task<int> RunAsync(EvaluateSettings settings, Terminal terminal, CancellationToken cancellation) =>
        throw new NotImplementedException("evaluate");
}
