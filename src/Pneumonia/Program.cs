using Convolve.Pneumonia;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

var terminal = StandardStreams.Open();
using var interruption = new Interruption(FolderClaim.DisposeAll);
return interruption.ExitCodeOf(await CommandLine.RunAsync(args, terminal, interruption.Token));
