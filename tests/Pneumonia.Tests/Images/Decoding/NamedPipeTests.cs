using System.Diagnostics;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Images;

/// <summary>A named pipe among the images: opening it would wait for a writer that never comes.</summary>
public sealed class NamedPipeTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [SkippableFact]
    public async Task APipeIsRefusedLikeAnEmptyFile()
    {
        await AddPipe("pipe.png");
        File.CreateSymbolicLink(Path.Combine(folder.Path, "link.png"), Path.Combine(folder.Path, "pipe.png"));
        foreach (var name in new[] { "pipe.png", "link.png" })
        {
            var path = Path.Combine(folder.Path, name);
            var error = await Task.Run(() => Assert.Throws<UnreadableImage>(() => ImageDecoder.Decode(path)))
                .WaitAsync(ProgramProcess.Limit);
            Assert.Equal($"{path}: is empty (0 bytes) or not a regular file", error.Message);
        }
    }

    [SkippableFact]
    public async Task AFolderWithPipesIsCheckedToItsEnd()
    {
        folder.AddImage("NORMAL/1.png", 1);
        folder.AddImage("PNEUMONIA/1.png", 2);
        await AddPipe("PNEUMONIA/2.png");
        // Without an ending, as hospitals export DICOM: its first bytes would say.
        await AddPipe("PNEUMONIA/3");
        var run = await Task.Run(() => CommandRun.Succeeding("data", "check", "--data", folder.Path, "--json"))
            .WaitAsync(ProgramProcess.Limit);
        var unreadable = Assert.Single(run.Json["unreadable"]!.AsArray());
        Assert.Contains("PNEUMONIA/2.png", unreadable!.ToJsonString());
    }

    private async Task AddPipe(string relativePath)
    {
        Skip.If(OperatingSystem.IsWindows(), "makes named pipes with mkfifo");
        using var maker = Process.Start("mkfifo", Path.Combine(folder.Path, relativePath));
        await maker.WaitForExitAsync();
        Assert.Equal(0, maker.ExitCode);
    }
}
