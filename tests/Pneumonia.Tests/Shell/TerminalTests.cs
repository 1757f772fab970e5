using System.Text.RegularExpressions;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>The program's output to terminals of any width, and to files.</summary>
public sealed class TerminalTests
{
    private static async Task<(string Output, string Messages)> Run(int? width, params string[] arguments)
    {
        var (output, messages) = (new StringWriter(), new StringWriter());
        Assert.Equal(ExitCode.Done,
            await CommandLine.RunAsync(arguments, new Terminal(output, messages) { Width = width }, CancellationToken.None));
        return (output.ToString(), messages.ToString());
    }

    private static string[] TableLines(string output) =>
        [.. output.Split('\n').Where(line => line.StartsWith(' ') || line.StartsWith('─'))];

    [Theory]
    [InlineData(160)]
    [InlineData(100)]
    [InlineData(80)]
    [InlineData(60)]
    [InlineData(40)]
    public async Task TablesFitTheTerminal(int width)
    {
        foreach (var arguments in new[] { new[] { "summary", "--model", "vgg19", "--pixels", "224" }, ["kernels", "list"] })
        {
            var lines = TableLines((await Run(width, arguments)).Output);
            Assert.True(lines.Length > 10, string.Join('\n', lines));
            Assert.All(lines, line => Assert.True(line.Length <= width, $"{line.Length} columns: {line}"));
        }
    }

    [Fact]
    public async Task ColumnsThatDoNotFitAreLeftOutAndNamed()
    {
        (var output, var messages) = await Run(80, "summary", "--model", "vgg19", "--pixels", "224");
        Assert.Matches("too wide for 80 columns, left out: .*KiB", messages);
        Assert.Contains("block5_conv4", output);
        Assert.Contains("parameters", output);
        Assert.DoesNotContain("KiB", output);
        // One row per layer: no line is wrapped.
        Assert.Equal(TableLines((await Run(null, "summary", "--model", "vgg19", "--pixels", "224")).Output).Length,
            TableLines(output).Length);
        Assert.Equal("", (await Run(160, "summary", "--model", "vgg19", "--pixels", "224")).Messages);
    }

    [Fact]
    public async Task AFileGetsPlainLinesWithoutPadding()
    {
        var output = (await Run(null, "summary", "--model", "cnn", "--pixels", "62")).Output;
        Assert.DoesNotContain(output, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotMatch(new Regex(" $", RegexOptions.Multiline), output);
    }

    [Fact]
    public void ControlCharactersOfNamesStayOutOfMessages()
    {
        var messages = new StringWriter();
        new Terminal(TextWriter.Null, messages).Warn("a\u001b[31mb\r\nc\ad.png");
        Assert.Equal("warning: a\uFFFD[31mb c\uFFFDd.png\n", messages.ToString().ReplaceLineEndings("\n"));
    }

    [Fact]
    public void ProgressInAFileIsALineAnEpoch()
    {
        var messages = new StringWriter();
        Show(new Terminal(TextWriter.Null, messages), epochs: 3);
        var lines = messages.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        for (var epoch = 1; epoch <= 3; epoch++) Assert.StartsWith($"epoch {epoch}/3  1.5 s  loss 0.5", lines[epoch - 1]);
        Assert.DoesNotContain(messages.ToString(), c => char.IsControl(c) && c != '\n');
    }

    [Theory]
    [InlineData(120)]
    [InlineData(60)]
    public void ABarWithoutColoursHasNone(int width)
    {
        var messages = new StringWriter();
        Show(new Terminal(TextWriter.Null, messages) { Width = width, Colours = false }, epochs: 2);
        var text = messages.ToString();
        Assert.Contains("epoch 2/2", text);
        // Cursor movement is not colour: 30 to 49 and 90 to 107 are text and background colours.
        foreach (Match style in Regex.Matches(text, "\u001b\\[([0-9;]*)m"))
            Assert.DoesNotContain(style.Groups[1].Value.Split(';'), code => int.TryParse(code, out var n) && n is (>= 30 and <= 49)
                or (>= 90 and <= 107));
    }

    private static void Show(Terminal terminal, int epochs)
    {
        var display = new TrainingDisplay(terminal, epochs, finished: 0);
        display.Show(() =>
        {
            for (var epoch = 1; epoch <= epochs; epoch++)
            {
                display.StepDone(new StepProgress(epoch, 10, 20, 0.6, 0.7, 100));
                display.EpochDone(new EpochResult(epoch, 1.5, 0.5, 0.8, 0.6, 0.7));
            }
        });
    }
}
