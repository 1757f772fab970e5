using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

internal sealed class TrainCommand : Command
{
    private readonly TrainOptions options = new();

    public TrainCommand(Terminal terminal) : base("train", "train a network and write a run folder; also what runs without a command")
    {
        options.AddTo(this);
        SetAction((result, cancellation) => Training.RunAsync(options.Read(result), terminal, cancellation));
    }
}
