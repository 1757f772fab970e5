using System.Runtime.InteropServices;
using System.Text;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Commands;

Console.OutputEncoding = Encoding.UTF8;
using var stop = new CancellationTokenSource();
// The first Ctrl-C asks the command to save and end; a second one ends the program where it stands.
Console.CancelKeyPress += (_, press) =>
{
    press.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
};
using PosixSignalRegistration termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal =>
{
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
});
return await CommandLine.RunAsync(args, new Terminal(Console.Out, Console.Error), stop.Token);
