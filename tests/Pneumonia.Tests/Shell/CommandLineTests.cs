using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Tests.Shell;

public sealed class CommandLineTests
{
    private static async Task<(int Code, string Out, string Error)> Run(params string[] arguments)
    {
        var (results, messages) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(arguments, new Terminal(results, messages), CancellationToken.None);
        return (code, results.ToString(), messages.ToString());
    }

    public static TheoryData<string, string> BadUsage()
    {
        var table = new TheoryData<string, string>();
        string[] whole = ["--pixels", "--epochs", "--batch", "--early-stopping", "--limit", "--head"];
        foreach (var option in whole)
            foreach (var value in new[] { "0", "-1", "1.5", "NaN", "ten", "99999999999", "1e3" })
                table.Add($"train {option} {value}", option);
        string[] numbers = ["--learning-rate", "--base-learning-rate", "--dropout", "--dense-dropout", "--l1", "--l2"];
        foreach (var option in numbers)
            foreach (var value in new[] { "-0.1", "NaN", "Infinity", "-Infinity", "1e999", "1,5", "x", "101" })
                table.Add($"train {option} {value}", option);
        table.Add("--learning-rate 0", "--learning-rate");
        table.Add("--dropout 1", "--dropout");
        table.Add("--seed -1", "--seed");
        table.Add("--seed 99999999999", "--seed");
        foreach (var option in new[] { "--model", "--resize", "--optimizer", "--class-weights", "--labels", "--split", "--conv" })
            table.Add($"{option} nonsense", "one of");
        foreach (var value in new[] { "0.5,0.5", "0.8,0.1,0.2", "1,0,0", "NaN,0.5,0.5", "-1,1,1", "a,b,c", "0.8;0.1;0.1", "0,0.5,0.5" })
            table.Add($"--data x --split random --fractions {value}", "--fractions");
        table.Add("--data x --split reference --fractions 0.8,0.1,0.1", "--fractions");
        table.Add("--split patient", "--data");
        table.Add("--labels three", "--data");
        table.Add("--fractions 0.8,0.1,0.1", "--data");
        table.Add("--resume", "--out");
        table.Add("--base-learning-rate 0", "--base-learning-rate");
        table.Add("--preprocessing torch", "one of rescale, caffe, torchvision, standardize");
        table.Add("--model vgg19 --head 0", "--head");
        table.Add("--model vgg19 --until block9_pool", "block1_conv1, block1_conv2");
        table.Add("--model vgg19 --weights x --freeze half", "--freeze half");
        table.Add("--model vgg19 --weights x --until block3_pool --freeze block4_conv1", "--freeze block4_conv1");
        table.Add("--model vgg19 --freeze all", "would stay random");
        table.Add("--model vgg19 --weights x --until block2_pool --freeze block2_conv2 --base-learning-rate 1", "the whole base is frozen");
        table.Add("--model vgg19 --features", "--weights FILE");
        table.Add("--model vgg19 --weights x --freeze none --features", "stays as it is");
        table.Add("--model vgg19 --weights x --features --augment", "leave --augment out");
        table.Add("--model vgg19 --weights x --base-learning-rate 1e-5", "is frozen");
        foreach (var option in new[] { "--until block3_pool", "--freeze all", "--head 9", "--features", "--base-learning-rate 1",
            "--weights imagenet" })
            table.Add($"--model cnn {option}", "--model vgg19");
        table.Add("--epochs", "--epochs: needs a value");
        table.Add("--epochs 3 --epochs 4", "given 2 times");
        table.Add("--data --epochs 3", "--data: '--epochs'");
        table.Add("--out --epoch", "--out");
        table.Add("--epoch 3", "did you mean --epochs?");
        table.Add("--json true", "'true'");
        table.Add("evalute", "did you mean evaluate?");
        table.Add("predict --ru x", "did you mean --run?");
        table.Add("predict", "no images");
        table.Add("predict --run x", "no images");
        table.Add("predict --run x --weights y z", "two models");
        table.Add("predict --run x --pixels 24 y", "its own size");
        table.Add("predict --run x missing.png", "missing.png");
        table.Add("evaluate", "--data DIR");
        table.Add("evaluate --run x --weights y --data z", "two models");
        table.Add("evaluate --run x", "--data DIR");
        table.Add("evaluate --run x --data y --part all", "train, val, test");
        table.Add("experiments", "--data DIR");
        table.Add("experiments --data /no/such/folder", "/no/such/folder");
        table.Add("experiments --data x --only cnn,cnm", "--only cnm: no such row; the rows are mlp, cnn, ");
        table.Add("experiments --data x --only ,", "--only: names no row");
        table.Add("experiments --data x --epochs-scale 0", "above 0");
        table.Add("experiments --data x --seeds 0", "--seeds");
        table.Add("experiments --data x --seed 2147483647 --seeds 2", "a smaller one");
        table.Add("experiments --data x --until block9_pool", "block1_conv1, block1_conv2");
        table.Add("experiments --data x --only mlp,cnn --weights y", "--weights: none of the rows mlp, cnn");
        table.Add("experiments --data x --only mlp --until block3_pool", "--until: none of the rows mlp");
        table.Add("experiments --data x --device nonsense", "--device nonsense");
        table.Add("experiments --epochs 3", "--epochs");
        table.Add("summary --run x --model cnn", "--run");
        table.Add("devices --seed 1", "devices has no such option");
        table.Add("data", "check");
        table.Add("data chek", "did you mean check?");
        table.Add("data check", "--data DIR");
        table.Add("data check --data /no/such/folder", "/no/such/folder");
        table.Add("train --patient x(.)", "synthetic images have no patients");
        table.Add("data check --data . --patient [0-9]+", "has no group");
        table.Add("train --data . --patient (", "is not a regular expression");
        table.Add("--epochs 3 data check --data x", "before the command");
        table.Add("@file", "@file");
        table.Add("--device cpu --tf32", "TF32 needs an NVIDIA GPU");
        table.Add("kernels show matrix-multiply-tf32 --target opencl", "only CUDA");
        table.Add("kernels show matrix-multiply-tf32 --arch sm_75", "needs sm_80");
        table.Add("kernels compare", "conv, gemm");
        table.Add("kernels compare pool", "conv, gemm");
        table.Add("kernels compare gemm --rows 65536 --columns 65536", "use a smaller batch");
        table.Add("kernels compare conv --padding 65", "give valid, same or a number of pixels up to 64");
        table.Add("kernels compare conv --pixels 2 --padding valid", "is larger than the input");
        table.Add("kernels compare conv --pixels 4096 --batch 65536", "use a smaller batch");
        table.Add("kernels compare conv --pass backward", "one of forward, input-gradient, kernel-gradient");
        table.Add("kernels compare conv --pixel 9", "did you mean --pixels?");
        table.Add("kernels", "list, show");
        table.Add("kernels lst", "did you mean list?");
        table.Add("kernels list all", "'all'");
        table.Add("kernels show", "which kernel?");
        table.Add("kernels show rmsprob", "did you mean rmsprop?");
        table.Add("kernels show rmsprop adam", "2 names");
        table.Add("kernels show rmsprop --targt ptx", "did you mean --target?");
        table.Add("kernels show rmsprop --target sass", "one of csharp, opencl, ptx");
        table.Add("kernels show rmsprop --arch sm_70", "one of sm_75, sm_80");
        table.Add("kernels show rmsprop --target opencl --arch sm_80", "only PTX");
        return table;
    }

    [Theory]
    [MemberData(nameof(BadUsage))]
    public async Task BadUsageIsOneLineAndExitCode2(string arguments, string mentions)
    {
        (var code, var output, var error) = await Run(arguments.Split(' '));
        Assert.Equal("", output);
        Assert.Contains(mentions, error);
        Assert.Equal(1, error.Count(c => c == '\n'));
        Assert.Equal(2, code);
    }

    [Theory]
    [InlineData("--help", "--learning-rate")]
    [InlineData("train --help", "--learning-rate")]
    [InlineData("evaluate --help", "--part")]
    [InlineData("predict --help", "--csv")]
    [InlineData("summary --help", "--pixels")]
    [InlineData("experiments --help", "cnn-early-stopping")]
    [InlineData("devices --help", "--device")]
    [InlineData("data --help", "check")]
    [InlineData("data check --help", "--labels")]
    [InlineData("kernels --help", "show")]
    [InlineData("kernels list --help", "--json")]
    [InlineData("kernels show --help", "--arch")]
    [InlineData("kernels compare conv --help", "--filters")]
    [InlineData("kernels compare gemm --help", "--depth")]
    [InlineData("--help --bogus", "--learning-rate")]
    public async Task HelpIsEverywhere(string arguments, string mentions)
    {
        (var code, var output, var error) = await Run(arguments.Split(' '));
        Assert.Equal((0, ""), (code, error));
        Assert.Contains(mentions, output);
    }

    [Fact]
    public async Task AStopEndsWith130()
    {
        using var folder = new TemporaryFolder();
        folder.AddImage("NORMAL/a.png", 1);
        var terminal = new Terminal(new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(["data", "check", "--data", folder.Path], terminal, new CancellationToken(canceled: true));
        Assert.Equal(130, code);
    }

    [Fact]
    public async Task DataCheckFindsCopiesLeaksAndDamage()
    {
        using var folder = new TemporaryFolder();
        folder.AddImage("train/NORMAL/IM-0001-0001.png", 1);
        folder.AddImage("train/PNEUMONIA/person1_virus_1.png", 2);
        folder.AddImage("test/NORMAL/IM-0002-0001.png", 1);
        folder.AddImage("test/PNEUMONIA/person1_virus_2.png", 3);
        folder.Add("test/PNEUMONIA/empty.png", "");

        (var code, var output, var error) = await Run("data", "check", "--data", folder.Path, "--json");

        Assert.Equal((0, ""), (code, error));
        var json = JsonNode.Parse(output)!;
        Assert.Equal(5, (int)json["images"]!);
        Assert.Equal(new PatientCount("IM-NNNN + personN", 4, 5, 3, 1), json["patients"].Deserialize<PatientCount>(JsonFormat.Options));
        Assert.Equal("""[{"kind":"damaged","count":1,"example":"test/PNEUMONIA/empty.png"}]""", json["leftOut"]!.ToJsonString());
        Assert.Equal(1, (int)json["copiesAcrossParts"]!);
        var copies = Assert.Single(json["identical"]!.AsArray())!;
        Assert.True((bool)copies["acrossParts"]!);
        Assert.False((bool)copies["acrossClasses"]!);
        Assert.Equal("test/PNEUMONIA/empty.png", (string)Assert.Single(json["unreadable"]!.AsArray())!["path"]!);
        Assert.Equal("person1", (string)Assert.Single(json["dividedPatients"]!.AsArray())!["patient"]!);

        (code, output, _) = await Run("data", "check", "--data", folder.Path);
        Assert.Equal(0, code);
        Assert.Contains("is empty (0 bytes)", output);
        Assert.Contains("known for 4 of 5 images (IM-NNNN + personN)", output);
        Assert.Contains("1 images of val or test are copies", output);
    }

    [Theory]
    [InlineData("", "a", 1)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("--lr", "--lr", 0)]
    public void EditDistance(string a, string b, int distance) => Assert.Equal(distance, Suggestion.Distance(a, b));

    [Theory]
    [InlineData("")]
    [InlineData("--data x --split patient --model vgg19 --augment --limit 200 --epochs 3")]
    [InlineData("--data x --augment false")]
    [InlineData("--data x --split random --fractions 0.7,0.2,0.1 --seed 7 --conv winograd4 --optimizer sgd --l1 5e-07 --labels three")]
    [InlineData("--model vgg19 --weights w.h5 --until block3_pool --freeze all --head 32 --features --data x --preprocessing caffe")]
    [InlineData("--model vgg19 --weights w.pth --data x --preprocessing torchvision")]
    [InlineData("--model mlp --augment-once --early-stopping 4 --class-weights balanced --resize area --schedule cosine --weight-decay 0.1 "
        + "--device cpu")]
    public void TheSettingsNameTheArgumentsThatAskForThem(string arguments)
    {
        var asked = Read(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("train", asked.CommandLine);
        Assert.Equal(asked, Read(asked.CommandLine!.Split(' ')[1..]));
        // Only what is needed, without the output folder.
        Assert.Equal(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, asked.CommandLine!.Split(' ').Length - 1);
        Assert.Null((asked with { SamePadding = true }).CommandLine);
        Assert.Equal(asked.CommandLine, (asked with { Out = "somewhere", Json = true }).CommandLine);

        static TrainSettings Read(string[] words)
        {
            var command = new System.CommandLine.RootCommand();
            var options = new Options(typeof(TrainSettings), command);
            var result = command.Parse(words);
            Assert.Empty(result.Errors);
            return (TrainSettings)options.Read(result);
        }
    }

    [Theory]
    [InlineData("my x-rays", "train --data 'my x-rays'")]
    [InlineData("it's", @"train --data 'it'\''s'")]
    [InlineData("$(x)", "train --data '$(x)'")]
    public void AShellReadsTheArgumentsBack(string data, string line) => Assert.Equal(line, new TrainSettings { Data = data }.CommandLine);

    [Fact]
    public void AShellReadsARuleForPatientsBack() =>
        Assert.Equal("train --data x --patient '^[^/]+/([0-9]+)_'",
            new TrainSettings { Data = "x", Patient = "^[^/]+/([0-9]+)_" }.CommandLine);
}
