using System.CommandLine;
using System.CommandLine.Parsing;
using Convolve.Pneumonia.Data;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Evaluate;
using Convolve.Pneumonia.Experiments;
using Convolve.Pneumonia.Explain;
using Convolve.Pneumonia.Inspect;
using Convolve.Pneumonia.Kernels;
using Convolve.Pneumonia.Predict;
using Convolve.Pneumonia.Train;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Shell;

/// <summary>The program from its arguments to its exit code.</summary>
public static class CommandLine
{
    public const int Done = 0, Fault = 1, BadUsage = 2, Stopped = 130;

    // A name that begins with @ is a name, and short options are not bundled.
    private static readonly ParserConfiguration parser = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    /// <summary>
    /// Runs a command. Whatever goes wrong is one line on standard error: the user's to put right gives exit code 2, a fault of the
    /// program 1 (with a stack trace only under <c>--verbose</c>), a stop by <paramref name="cancellation"/> 130.
    /// </summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal, CancellationToken cancellation)
    {
        Option<bool> verbose = CheckedOption.Flag("--verbose", "show stack traces of faults");
        verbose.Recursive = true;
        var trainOptions = new TrainOptions();
        RootCommand root = Root(terminal, trainOptions, verbose);
        ParseResult result = root.Parse(arguments, parser);
        try
        {
            if (AsksForHelpOrVersion(result)) return await InvokeAsync(result, terminal, cancellation);
            if (FirstError(result, root, trainOptions) is { } error)
            {
                terminal.Error(error);
                return BadUsage;
            }
            return await InvokeAsync(result, terminal, cancellation);
        }
        catch (UserError e)
        {
            terminal.Error(e.Message);
            if (result.GetValue(verbose)) terminal.Messages.WriteLine(e);
            return BadUsage;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            terminal.Note("stopped");
            return Stopped;
        }
        catch (Exception e)
        {
            string command = result.CommandResult.Command is RootCommand ? "train" : result.CommandResult.Command.Name;
            bool traced = result.GetValue(verbose);
            terminal.Error($"{command}: internal error: {e.Message}{(traced ? "" : "; run with --verbose for details")}");
            if (traced) terminal.Messages.WriteLine(e);
            return Fault;
        }
    }

    /// <summary>What is wrong with the words of a command line, without running it; nothing if they are understood.</summary>
    internal static IReadOnlyList<string> Errors(IReadOnlyList<string> arguments) =>
        [.. Root(new Terminal(TextWriter.Null, TextWriter.Null), new TrainOptions(), CheckedOption.Flag("--verbose", "")).Parse(arguments, parser).Errors.Select(e => e.Message)];

    private static RootCommand Root(Terminal terminal, TrainOptions trainOptions, Option<bool> verbose)
    {
        var root = new RootCommand("Trains classifiers on chest X-rays. Without a command it trains. Not for clinical use.");
        root.Directives.Clear();
        trainOptions.AddTo(root);
        root.Add(verbose);
        root.SetAction((result, cancellation) => Training.RunAsync(trainOptions.Read(result), terminal, cancellation));
        root.Add(new TrainCommand(terminal));
        root.Add(new EvaluateCommand(terminal));
        root.Add(new PredictCommand(terminal));
        root.Add(new ExplainCommand(terminal));
        root.Add(new ExperimentsCommand(terminal));
        root.Add(new SummaryCommand(terminal));
        root.Add(new GradcheckCommand(terminal));
        root.Add(new DevicesCommand(terminal));
        root.Add(new DataCommand(terminal));
        root.Add(new KernelsCommand(terminal));
        root.Add(new WeightsCommand(terminal));
        return root;
    }

    private static Task<int> InvokeAsync(ParseResult result, Terminal terminal, CancellationToken cancellation) =>
        result.InvokeAsync(new InvocationConfiguration
        {
            Output = terminal.Results,
            Error = terminal.Messages,
            EnableDefaultExceptionHandler = false,
            // Ctrl-C is the program's own: it saves first.
            ProcessTerminationTimeout = null,
        }, cancellation);

    private static bool AsksForHelpOrVersion(ParseResult result) =>
        result.Action is { } action && action is not System.CommandLine.Invocation.ParseErrorAction && action != result.CommandResult.Command.Action;

    private static string? FirstError(ParseResult result, RootCommand root, TrainOptions trainOptions)
    {
        Command command = result.CommandResult.Command;
        // A wrong value first: the words after it may only look lost because of it.
        foreach (ParseError error in result.Errors)
            if (OptionOf(error) is { } option) return ValueError(error, option);
        if (result.UnmatchedTokens is [var token, ..])
            return token.StartsWith('-') ? Suggestion.UnknownOption(token, command) : Suggestion.UnknownWord(token, command);
        if (command != root && command.Subcommands.Count > 0) return $"{command.Name}: which? commands: {string.Join(", ", command.Subcommands.Select(inner => inner.Name))}";
        if (result.Errors is [var first, ..]) return first.Message;
        if (command != root && trainOptions.FirstGiven(result) is { } misplaced)
            return $"{misplaced.Name}: stands before the command {command.Name}; options follow their command";
        return null;
    }

    private static OptionResult? OptionOf(ParseError error) => error.SymbolResult as OptionResult ?? error.SymbolResult?.Parent as OptionResult;

    private static string ValueError(ParseError error, OptionResult option) => option.Tokens.Count switch
    {
        0 => $"{option.Option.Name}: needs a value, {option.Option.HelpName}",
        1 => error.Message,
        _ => $"{option.Option.Name}: is given {option.Tokens.Count} times; leave one",
    };
}
