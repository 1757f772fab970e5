using System.CommandLine;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

internal sealed class KernelsListCommand : Command
{
    private readonly Option<bool> json = SharedOption.Json();

    public KernelsListCommand(Terminal terminal) : base("list", "every kernel: operation, hardware, oldest NVIDIA architecture, whether it is hot")
    {
        Add(json);
        SetAction((result, cancellation) => KernelList.RunAsync(result.GetValue(json), terminal, cancellation));
    }
}
