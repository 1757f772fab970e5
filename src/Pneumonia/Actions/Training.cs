namespace Convolve.Pneumonia.Actions;

/// <summary>Trains a network and writes its run folder.</summary>
public static class Training
{
    public static Task<int> RunAsync(TrainSettings settings, Terminal terminal, CancellationToken cancellation) =>
        throw new NotImplementedException("train");
}
