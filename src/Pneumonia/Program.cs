using Convolve.Pneumonia.Shell;

var terminal = StandardStreams.Open();
using var interruption = new Interruption();
return interruption.ExitCode(await CommandLine.RunAsync(args, terminal, interruption.Token));
