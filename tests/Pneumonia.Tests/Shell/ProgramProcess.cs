using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>The program as a separate process: the effect of signals and standard streams cannot be tested from inside.</summary>
public sealed class ProgramProcess : IDisposable
{
    /// <summary>Longer than any process that does not hang.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromMinutes(3);

    private readonly Process process;
    private readonly StringBuilder errors = new();
    private readonly Task<string> output;
    private readonly Task reading;

    private ProgramProcess(Process process)
    {
        this.process = process;
        output = process.StandardOutput.ReadToEndAsync();
        reading = Task.Run(async () =>
        {
            while (await process.StandardError.ReadLineAsync() is { } line)
                lock (errors) errors.Append(line).Append('\n');
        });
    }

    /// <summary>Whether there is a shell to start it.</summary>
    public static bool CanStart => File.Exists("/bin/sh");

    /// <summary>Standard error so far.</summary>
    public string Errors
    {
        get { lock (errors) return errors.ToString(); }
    }

    /// <summary>Starts the program.</summary>
    /// <param name="directory">Where.</param>
    /// <param name="arguments">Its command line.</param>
    /// <param name="shell">The shell command that starts it; "$@" is the program.</param>
    public static ProgramProcess Start(string directory, IEnumerable<string> arguments, string shell = "exec \"$@\"")
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        var dotnet = Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet";
        foreach (var word in new[] { "-c", shell, "sh", dotnet, typeof(UserError).Assembly.Location }.Concat(arguments))
            start.ArgumentList.Add(word);
        return new ProgramProcess(Process.Start(start)!);
    }

    /// <summary>Waits until standard error contains a text.</summary>
    public async Task WaitFor(string text)
    {
        for (var watch = Stopwatch.StartNew(); !Errors.Contains(text, StringComparison.Ordinal); await Task.Delay(20))
            Assert.True(!reading.IsCompleted && watch.Elapsed < Limit, $"no '{text}' in: {Errors}");
    }

    /// <summary>Sends a signal.</summary>
    public void Send(int signal) => Assert.Equal(0, Kill(process.Id, signal));

    /// <summary>Waits until it exits.</summary>
    public async Task<CommandRun> End()
    {
        using var patience = new CancellationTokenSource(Limit);
        await process.WaitForExitAsync(patience.Token);
        await reading.WaitAsync(patience.Token);
        return new CommandRun(process.ExitCode, await output.WaitAsync(patience.Token), Errors);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!process.HasExited) process.Kill(entireProcessTree: true);
        process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int process, int signal);
}
