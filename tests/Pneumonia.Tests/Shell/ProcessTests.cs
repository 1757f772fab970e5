using System.Diagnostics;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>
/// Signals, closed or full standard streams, and several processes at once. The device belongs to those processes, so other tests may run
/// beside these.
/// </summary>
public sealed class ProcessTests : IDisposable
{
    private const int Hangup = 1, Interrupt = 2, Terminate = 15;

    private static readonly string[] tiny = ["train", "--model", "mlp", "--pixels", "16", "--limit", "8", "--epochs", "1"];
    private static readonly string[] endless = [.. tiny[..^1], "100000"];

    private readonly TemporaryFolder folder = new();

    private string Run => Path.Combine(folder.Path, "run");

    public void Dispose() => folder.Dispose();

    private static string[] FilesOf(string run) =>
        [.. Directory.EnumerateFileSystemEntries(run).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];

    private static readonly string[] finished =
        ["best.safetensors", "config.json", "history.csv", "last.safetensors", "metrics.json", "report.html"];
    private static readonly string[] stopped = ["best.safetensors", "config.json", "history.csv", "last.safetensors", "time.json"];

    private static void SkipWithoutShell() => Skip.IfNot(ProgramProcess.CanStart, "no /bin/sh on this system");

    [SkippableTheory]
    [InlineData(Interrupt, 130)]
    [InlineData(Terminate, 143)]
    [InlineData(Hangup, 129)]
    public async Task ASignalEndsATrainingThatSavesFirst(int signal, int code)
    {
        SkipWithoutShell();
        Skip.If(IsIgnoredHere(signal), $"signal {signal} is ignored by the process that runs the tests, and so by those it starts");
        using var program = ProgramProcess.Start(folder.Path, [.. endless, "--out", "run"]);
        await program.WaitFor("epoch 1/");
        program.Send(signal);
        var run = await program.End();
        Assert.Equal((code, ""), (run.Code, run.Output));
        Assert.Contains("stopped and saved; continue with the same command and --resume", run.Errors);
        Assert.Equal(stopped, FilesOf(Run));
    }

    [SkippableFact]
    public async Task ASignalThatComesAsTwoStillSaves()
    {
        SkipWithoutShell();
        using var program = ProgramProcess.Start(folder.Path, [.. endless, "--out", "run"]);
        await program.WaitFor("epoch 1/");
        // Like timeout, which signals the process and then its group.
        program.Send(Terminate);
        program.Send(Terminate);
        var run = await program.End();
        Assert.Equal(143, run.Code);
        Assert.Contains("stopped and saved", run.Errors);
        Assert.Equal(stopped, FilesOf(Run));
    }

    [SkippableFact]
    public async Task ATrainingUnderNohupOutlivesItsTerminal()
    {
        SkipWithoutShell();
        using var program = ProgramProcess.Start(folder.Path, [.. endless, "--out", "run"], "trap '' HUP; exec \"$@\"");
        await program.WaitFor("epoch 1/");
        program.Send(Hangup);
        var before = program.Errors;
        await program.WaitFor($"epoch {before.Split("epoch ").Length + 20}/");
        program.Send(Terminate);
        Assert.Equal(143, (await program.End()).Code);
    }

    [SkippableFact]
    public async Task ASignalEndsACommandThatWaitsForAFile()
    {
        SkipWithoutShell();
        Directory.CreateDirectory(Run);
        var pipe = Path.Combine(Run, "metrics.json");
        using (var maker = Process.Start("mkfifo", pipe)) await maker.WaitForExitAsync();
        using var program = ProgramProcess.Start(folder.Path, ["evaluate", "--run", "run", "--data", "data"]);
        // Blocks until the program has opened the other end; then the program waits for bytes that never come.
        await using var writer = await Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            .WaitAsync(ProgramProcess.Limit);
        program.Send(Terminate);
        var run = await program.End();
        Assert.Equal((143, "", "stopped"), (run.Code, run.Output, Assert.Single(run.ErrorLines)));
    }

    [SkippableTheory]
    [InlineData("exec \"$@\" >&-", 2, "it is closed")]
    [InlineData("exec \"$@\" >/dev/full", 2, "No space left on device")]
    [InlineData("exec \"$@\" 2>&-", 0, "")]
    [InlineData("exec \"$@\" 2>/dev/full", 0, "")]
    [InlineData("exec \"$@\" <&- >&- 2>&-", 2, "")]
    // A reader that reads nothing and exits; the exit code is the program's.
    [InlineData("{ \"$@\"; echo $? >code; } | true; exit $(cat code)", 0, "")]
    public async Task StandardStreamsThatTakeNothingCostNoTraining(string shell, int code, string mentions)
    {
        SkipWithoutShell();
        Skip.If(shell.Contains("/dev/full") && !File.Exists("/dev/full"), "no /dev/full on this system");
        using var program = ProgramProcess.Start(folder.Path, [.. tiny, "--out", "run"], shell);
        var run = await program.End();
        Assert.True(run.Code == code, $"exit code {run.Code}: {run.Errors}");
        Assert.Equal(finished, FilesOf(Run));
        if (mentions.Length == 0) return;
        Assert.Equal($"error: standard output: cannot be written: {mentions}; the training is done, and the run in run complete",
            run.ErrorLines[^1]);
    }

    [SkippableFact]
    public async Task ADocumentThatCannotBeWrittenIsAnError()
    {
        SkipWithoutShell();
        Skip.IfNot(File.Exists("/dev/full"), "no /dev/full on this system");
        foreach (var arguments in new[] { new[] { "kernels", "list", "--json" }, ["summary", "--model", "mlp"], ["--help"] })
        {
            using var program = ProgramProcess.Start(folder.Path, arguments, "exec \"$@\" >/dev/full");
            var run = await program.End();
            Assert.Equal((2, "error: standard output: cannot be written: No space left on device"),
                (run.Code, Assert.Single(run.ErrorLines)));
        }
    }

    [SkippableFact]
    public async Task TrainingsThatBeginAtOnceHaveAFolderEach()
    {
        SkipWithoutShell();
        ProgramProcess[] programs =
            [.. Enumerable.Range(0, 3).Select(seed => ProgramProcess.Start(folder.Path, [.. tiny, "--seed", $"{seed}"]))];
        var runs = await Task.WhenAll(programs.Select(program => program.End()));
        foreach (var program in programs) program.Dispose();
        Assert.All(runs, run => Assert.True(run.Code == 0, run.Errors));
        var folders = Directory.GetDirectories(Path.Combine(folder.Path, "runs"));
        Assert.Equal(3, folders.Length);
        Assert.All(folders, run => Assert.Equal(finished, FilesOf(run)));
        // Settings and weights of one folder are from one training.
        Assert.Equal(3, folders.Select(run => File.ReadAllText(Path.Combine(run, "config.json"))).Distinct().Count());
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OfTrainingsIntoOneFolderTheSecondIsRefused(bool resume)
    {
        SkipWithoutShell();
        string[] command = [.. endless, "--out", "run", .. resume ? ["--resume"] : Array.Empty<string>()];
        using var first = ProgramProcess.Start(folder.Path, command);
        await first.WaitFor("device:");
        using var second = ProgramProcess.Start(folder.Path, command);
        var refused = await second.End();
        Assert.Equal((2, ""), (refused.Code, refused.Output));
        Assert.StartsWith("error: --out run: another command is writing to this folder", Assert.Single(refused.ErrorLines));
        await first.WaitFor("epoch 1/");
        first.Send(Terminate);
        Assert.Equal(143, (await first.End()).Code);
        Assert.Equal(stopped, FilesOf(Run));
    }

    [SkippableFact]
    public async Task AKilledTrainingLeavesNothingThatKeepsItFromGoingOn()
    {
        SkipWithoutShell();
        using var program = ProgramProcess.Start(folder.Path, [.. endless, "--out", "run"]);
        await program.WaitFor("epoch 2/");
        program.Send(9);
        await program.End();
        Assert.Contains(".lock", FilesOf(Run));
        var epochs = File.ReadLines(Path.Combine(Run, "history.csv")).Count();
        await CommandRun.Succeeding([.. tiny[..^1], $"{epochs}", "--out", Run, "--resume"]);
        Assert.Equal(finished, FilesOf(Run));
    }

    [SkippableFact]
    public async Task ARunFolderThatIsRemovedEndsTheTraining()
    {
        SkipWithoutShell();
        using var program = ProgramProcess.Start(folder.Path, [.. endless, "--out", "run"]);
        await program.WaitFor("epoch 1/");
        Directory.Move(Run, Run + "-moved");
        var run = await program.End();
        Assert.Equal(2, run.Code);
        Assert.StartsWith("error: ", run.ErrorLines[^1]);
        Assert.Contains("run", run.ErrorLines[^1]);
        Assert.False(File.Exists(Path.Combine(Run, "best.safetensors")));
    }

    // The tests may run in the background, where shells ignore Ctrl-C.
    private static bool IsIgnoredHere(int signal) =>
        File.Exists("/proc/self/status")
            && File.ReadLines("/proc/self/status").First(line => line.StartsWith("SigIgn:", StringComparison.Ordinal)) is var line
        && (Convert.ToUInt64(line[7..].Trim(), 16) >> (signal - 1) & 1) != 0;
}
