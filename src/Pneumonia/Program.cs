using Convolve.Pneumonia;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Commands;

Terminal terminal = StandardStreams.Open();
using var interruption = new Interruption();
return interruption.ExitCode(await CommandLine.RunAsync(args, terminal, interruption.Token));
