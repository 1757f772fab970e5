using System.CommandLine;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Weights;

/// <summary><c>weights</c>, which has only subcommands.</summary>
internal sealed class WeightsCommand : Command
{
    public WeightsCommand(Terminal terminal) : base("weights", "look at, take over and hand on weight files of other tools")
    {
        Add(new ListCommand(terminal));
        Add(new VerifyCommand(terminal));
        Add(new ImportCommand(terminal));
        Add(new ExportCommand(terminal));
    }

    private static Argument<string?> File() => new("FILE") { Description = ".safetensors, .h5, .npz, .npy, .pth or .pt", Arity = ArgumentArity.ZeroOrOne };

    private static Option<string?> Output(string description) => CheckedOption.Text("--out", "FILE", description, "a file");

    private sealed class ListCommand : Command
    {
        public ListCommand(Terminal terminal) : base("list", "the published files: where they come from, and which are here")
        {
            Option<bool> json = SharedOption.Json();
            Add(json);
            SetAction((result, _) => WeightTools.List(result.GetValue(json), terminal));
        }
    }

    private sealed class VerifyCommand : Command
    {
        public VerifyCommand(Terminal terminal) : base("verify", "read a whole weight file and list its tensors")
        {
            Argument<string?> file = File();
            Option<bool> json = SharedOption.Json();
            Add(file);
            Add(json);
            SetAction((result, _) => WeightTools.Verify(
                result.GetValue(file) ?? throw new UserError("weights verify: which file?"), result.GetValue(json), terminal));
        }
    }

    private sealed class ImportCommand : Command
    {
        public ImportCommand(Terminal terminal) : base("import", "write the tensors of a weight file as .safetensors, in Convolve's layout")
        {
            Argument<string?> file = File();
            Option<string?> output = Output(".safetensors file to write");
            Option<bool> raw = CheckedOption.Flag("--raw", "keep the layout of the file");
            Add(file);
            Add(output);
            Add(raw);
            SetAction((result, _) => WeightTools.Import(
                result.GetValue(file) ?? throw new UserError("weights import: which file?"),
                result.GetValue(output) ?? throw new UserError("weights import: where to? give a file with --out X.safetensors"),
                result.GetValue(raw), terminal));
        }
    }

    private sealed class ExportCommand : Command
    {
        public ExportCommand(Terminal terminal) : base("export", "write the best weights of a run as .safetensors or .npz")
        {
            Option<string?> run = SharedOption.Run("run folder whose best checkpoint is written");
            Option<string?> output = Output(".safetensors or .npz file to write");
            Add(run);
            Add(output);
            SetAction((result, _) => WeightTools.Export(
                result.GetValue(run) ?? throw new UserError("weights export: which run? give its folder with --run DIR"),
                result.GetValue(output) ?? throw new UserError("weights export: where to? give a file with --out FILE"), terminal));
        }
    }
}
