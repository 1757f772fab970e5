using Convolve.Pneumonia.Shell;

Terminal terminal = StandardStreams.Open();
using var interruption = new Interruption();
return interruption.ExitCode(await CommandLine.RunAsync(args, terminal, interruption.Token));
