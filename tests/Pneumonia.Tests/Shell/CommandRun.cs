using System.Text.Json.Nodes;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Tests.Train;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>The result of a command: its exit code and the text of its two outputs.</summary>
/// <param name="Code">Exit code.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Errors">Standard error.</param>
public sealed record CommandRun(int Code, string Output, string Errors)
{
    /// <summary>Standard output as a single JSON document, as with <c>--json</c>; anything else fails.</summary>
    public JsonNode Json => JsonNode.Parse(Output)!;

    /// <summary>Standard error line by line.</summary>
    public string[] ErrorLines => Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs a command line to its end.</summary>
    public static async Task<CommandRun> Of(params IEnumerable<string> arguments)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync([.. arguments], new Terminal(output, errors), CancellationToken.None);
        return new CommandRun(code, output.ToString(), errors.ToString());
    }

    /// <summary>Runs a command line to its end, which must be successful.</summary>
    public static async Task<CommandRun> Succeeding(params IEnumerable<string> arguments)
    {
        var run = await Of(arguments);
        Assert.True(run.Code == ExitCode.Done, $"exit code {run.Code}: {run.Errors}");
        return run;
    }

    /// <summary>Runs a command line and presses Ctrl-C when standard error contains <paramref name="trigger"/>, or after a delay.</summary>
    public static async Task<CommandRun> StoppedAt(string trigger, TimeSpan delay, params IEnumerable<string> arguments)
    {
        using var stop = new CancellationTokenSource();
        var (output, errors) = (new StringWriter(), new StoppingWriter(stop, trigger, delay));
        var code = await CommandLine.RunAsync([.. arguments], new Terminal(output, errors), stop.Token);
        errors.Finger?.Join();
        return new CommandRun(code, output.ToString(), errors.ToString());
    }

    private sealed class StoppingWriter(CancellationTokenSource stop, string trigger, TimeSpan delay) : StringWriter
    {
        /// <summary>
        /// Presses Ctrl-C a moment later, on a separate thread like a signal's, because the pool's threads may all be training.
        /// </summary>
        public Thread? Finger { get; private set; }

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(trigger, StringComparison.Ordinal) != true) return;
            if (delay == TimeSpan.Zero)
            {
                stop.Cancel();
                return;
            }
            Finger = new Thread(() =>
            {
                Thread.Sleep(delay);
                stop.Cancel();
            });
            Finger.Start();
        }
    }
}

/// <summary>Tests that open a device. Each uses all cores, so they run one at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class OnADevice : ICollectionFixture<TrainedRun>
{
    public const string Name = "commands on a device";
}
