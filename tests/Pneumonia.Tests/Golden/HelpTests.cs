using System.CommandLine;
using System.Text;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Golden;

/// <summary>What the program says of its commands, and of command lines that it does not understand.</summary>
public sealed class HelpTests
{
    [Fact]
    public async Task EveryCommandExplainsItselfAsBefore()
    {
        var text = new StringBuilder();
        var commands = new Queue<string>([""]);
        while (commands.TryDequeue(out var command))
        {
            string[] words = [.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"];
            var help = (await CommandRun.Succeeding(words)).Output.ReplaceLineEndings("\n");
            text.Append($"$ {string.Join(' ', words)}\n{help.Replace(RootCommand.ExecutableName, "convolve").TrimEnd()}\n\n");
            var inner = help.Split('\n').SkipWhile(line => line != "Commands:").Skip(1)
                .TakeWhile(line => line.StartsWith("  ", StringComparison.Ordinal));
            foreach (var line in inner) commands.Enqueue($"{command} {line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]}");
        }
        GoldenFile.Check("help.txt", text.ToString());
    }

    // Those whose message names the machine's devices or is .NET's own, and the one that claims a folder which another test may have
    // claimed.
    private static readonly string[] leftOut = ["--device nonsense", "--patient (", "--tf32", "experiments --data /no"];

    private static readonly string[] others =
    [
        "--find-learning-rate --out x", "--find-learning-rate --resume --out x", "--model vgg19 --weights x --features "
            + "--find-learning-rate",
        "--preprocessing caffe", "--limit 1", "--positive NORMAL", "--patient x", "--split folders", "--model mlp "
            + "--dropout 0.1", "--model mlp --dense-dropout 0.1",
        "--model vgg19 --l1 1e-5", "--model vgg19 "
            + "--l2 1e-5", "--augment yes", "--augment-once yes", "--data", "--conv fast", "--schedule linear", "--weight-decay 11",
        "--model cnn --freeze none", "--model cnn --weights "
            + "imagenet", "summary --batch 4", "summary --device cpu", "summary --out x.svg", "summary --measure --out x.png",
        "summary --run x --pixels 9", "summary --model lenet", "summary --pixels 0", "gradcheck --run x --model cnn", "gradcheck --run x "
            + "--pixels 9",
        "gradcheck --elements 0", "weights", "weights verify", "weights verify a b", "weights import", "weights import x", "weights import "
            + "x --out y.npz",
        "weights export", "weights export --run x", "weights export --run x "
            + "--out y.h5", "explain", "explain --run x", "explain --al", "explain --run x --weights y z",
        "predict --classes a,a z", "predict --test-time-augmentation 0 z", "evaluate --data x --limit 0", "evaluate --data x "
            + "--stress maybe",
        "experiments --data x --until block9_pool --only mlp", "experiments --data x --split nonsense", "devices --json yes", "data check "
            + "--labels four --data x",
        "kernels compare gemm --depth 0", "kernels compare conv --kernel 65", "kernels compare conv --stride 0",
    ];

    [Fact]
    public async Task EveryMistakeIsExplainedAsBefore()
    {
        var text = new StringBuilder();
        foreach (var arguments in CommandLineTests.BadUsage().Select(row => (string)row[0]).Concat(others)
            .Where(line => !leftOut.Any(line.Contains)))
        {
            var run = await CommandRun.Of(arguments.Split(' '));
            text.Append($"$ {arguments}\n{run.Output}{run.Errors}exit code {run.Code}\n\n");
        }
        GoldenFile.Check("mistakes.txt", text.ToString().Replace('\\', '/'));
    }
}
