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
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia;

/// <summary>The program, from its arguments to its exit code.</summary>
public static class CommandLine
{
    // @NAME is not a response file, and short options are not bundled.
    private static readonly ParserConfiguration parser = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    /// <summary>
    /// Runs a command. Every error is one line on standard error. Errors that the user can fix give exit code 2, faults of the
    /// program 1 (with a stack trace under <c>--verbose</c>), a stop by <paramref name="cancellation"/> 130.
    /// </summary>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal, CancellationToken cancellation)
    {
        (var root, var trainOptions, var verbose) = Root(terminal);
        var result = root.Parse(arguments, parser);
        try
        {
            if (AsksForHelpOrVersion(result)) return await InvokeAsync(result, terminal, cancellation);
            if (FirstError(result, root, trainOptions) is { } error)
            {
                terminal.Error(error);
                return ExitCode.BadUsage;
            }
            return await InvokeAsync(result, terminal, cancellation);
        }
        catch (Exception e) when (UserError.Is(e))
        {
            terminal.Error(e.Message);
            if (result.GetValue(verbose)) terminal.Messages.WriteLine(e);
            return ExitCode.BadUsage;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            terminal.Note("stopped");
            return ExitCode.Stopped;
        }
        catch (Exception e)
        {
            var command = result.CommandResult.Command is RootCommand ? "train" : result.CommandResult.Command.Name;
            var traced = result.GetValue(verbose);
            terminal.Error($"{command}: internal error: {e.Message}{(traced ? "" : "; run with --verbose for details")}");
            if (traced) terminal.Messages.WriteLine(e);
            return ExitCode.Fault;
        }
    }

    /// <summary>Errors of a command line, without running it; empty if it is valid.</summary>
    internal static IReadOnlyList<string> Errors(IReadOnlyList<string> arguments) =>
        [.. Root(new Terminal(TextWriter.Null, TextWriter.Null)).Root.Parse(arguments, parser).Errors.Select(e => e.Message)];

    private static (RootCommand Root, Options TrainOptions, Option<bool> Verbose) Root(Terminal terminal)
    {
        var root = new RootCommand("Trains classifiers on chest X-rays. Without a command it trains. Not for clinical use.");
        root.Directives.Clear();
        var trainOptions = new Options(typeof(TrainSettings), root);
        var verbose = new Option<bool>("--verbose")
        {
            Description = "show stack traces of faults",
            Arity = ArgumentArity.Zero,
            Recursive = true
        };
        root.Add(verbose);
        root.SetAction((result, cancellation) => TrainCommand.RunAsync((TrainSettings)trainOptions.Read(result), terminal, cancellation));
        Add<TrainSettings>(root, "train", "train a network and write a run folder; also what runs without a command",
            TrainCommand.RunAsync);
        Add<EvaluateSettings>(root, "evaluate", "score a trained network on a folder", Evaluation.RunAsync);
        Add<PredictSettings>(root, "predict", "tell class and probability of images; not for clinical use", Prediction.RunAsync);
        Add<ExplainSettings>(root, "explain",
            "show what a network does with images: activations, Grad-CAM, HiResCAM, occlusion, and the arithmetic behind every number",
                Explaining.RunAsync);
        Add<ExperimentSettings>(root, "experiments", "run the reference experiments again, beside their published figures",
            ExperimentRunner.RunAsync);
        Add<SummarySettings>(root, "summary", "list a network's layers, shapes, parameters and costs", NetworkSummary.RunAsync);
        Add<GradientCheckingSettings>(
            root, "gradcheck", "hold a network's gradients against numerical ones in double precision; exit code 1 where one is wrong",
            GradientChecking.RunAsync);
        Add<DevicesSettings>(root, "devices", "list the devices, the one chosen and why, and its self-test", DeviceList.RunAsync);
        var data = Group(root, "data", "look at image folders");
        Add<DataCheckSettings>(data, "check",
            "counts, sizes, who is a patient, what is left out, unreadable files, identical images, patients on both sides of a split",
                DataCheck.RunAsync);
        var kernels = Group(root, "kernels", "look at the kernels and the code they compile to");
        Add<KernelListSettings>(kernels, "list", "every kernel: operation, hardware, oldest NVIDIA architecture, whether it is hot",
            KernelList.RunAsync);
        Add<KernelShowSettings>(kernels, "show", "a kernel as it is written, and the OpenCL and PTX made of it; needs no GPU",
            KernelShow.RunAsync);
        Add<KernelProfilingSettings>(kernels, "profile",
            "what a kernel costs on a GPU, line by line, and what limits it; or the launches of a case; needs no GPU",
            KernelProfiling.RunAsync);
        var compare = Group(kernels, "compare", "an operation's algorithms side by side on one shape, beside the device's peak");
        Add<ConvolutionComparisonSettings>(compare, "conv", "every algorithm of a convolution: time, share of peak, error, workspace",
            ConvolutionComparison.RunAsync);
        Add<ProductComparisonSettings>(compare, "gemm", "the matrix product: time, share of peak, error, workspace",
            ProductComparison.RunAsync);
        var weights = Group(root, "weights", "look at, take over and hand on weight files of other tools");
        Add<WeightListSettings>(weights, "list", "the published files: where they come from, and which are here", WeightTools.List);
        Add<WeightVerifySettings>(weights, "verify", "read a whole weight file and list its tensors", WeightTools.Verify);
        Add<WeightImportSettings>(weights, "import", "write the tensors of a weight file as .safetensors, in Convolve's layout",
            WeightTools.Import);
        Add<WeightExportSettings>(weights, "export", "write the best weights of a run as .safetensors or .npz", WeightTools.Export);
        return (root, trainOptions, verbose);

        void Add<TSettings>(Command parent, string name, string description, Work<TSettings> work) where TSettings : new() =>
            parent.Add(new SettingsCommand<TSettings>(name, description, work, terminal));
    }

    // A command that has only subcommands.
    private static Command Group(Command parent, string name, string description)
    {
        var group = new Command(name, description);
        parent.Add(group);
        return group;
    }

    private static Task<int> InvokeAsync(ParseResult result, Terminal terminal, CancellationToken cancellation) =>
        result.InvokeAsync(new InvocationConfiguration
        {
            Output = terminal.Results,
            Error = terminal.Messages,
            EnableDefaultExceptionHandler = false,
            // The program handles Ctrl-C itself, to save first.
            ProcessTerminationTimeout = null,
        }, cancellation);

    private static bool AsksForHelpOrVersion(ParseResult result) =>
        result.Action is { } action && action is not System.CommandLine.Invocation.ParseErrorAction
            && action != result.CommandResult.Command.Action;

    private static string? FirstError(ParseResult result, RootCommand root, Options trainOptions)
    {
        var command = result.CommandResult.Command;
        // Report a wrong value first: it may be why later words look unexpected.
        foreach (var error in result.Errors)
            if (OptionOf(error) is { } option) return ValueError(error, option);
        if (result.UnmatchedTokens is [var token, ..])
            return token.StartsWith('-') ? Suggestion.UnknownOption(token, command) : Suggestion.UnknownWord(token, command);
        if (command != root && command.Subcommands.Count > 0)
            return $"{command.Name}: which? commands: {string.Join(", ", command.Subcommands.Select(inner => inner.Name))}";
        if (result.Errors is [var first, ..]) return first.Message;
        if (command != root && trainOptions.FirstGiven(result) is { } misplaced)
            return $"{misplaced.Name}: stands before the command {command.Name}; options follow their command";
        return null;
    }

    private static OptionResult? OptionOf(ParseError error) => error.SymbolResult as OptionResult
        ?? error.SymbolResult?.Parent as OptionResult;

    private static string ValueError(ParseError error, OptionResult option) => option.Tokens.Count switch
    {
        0 => $"{option.Option.Name}: needs a value, {option.Option.HelpName}",
        1 => error.Message,
        _ => $"{option.Option.Name}: is given {option.Tokens.Count} times; leave one",
    };
}
