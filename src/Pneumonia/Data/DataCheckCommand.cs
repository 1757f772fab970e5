using System.CommandLine;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Data;

internal sealed class DataCheckCommand : Command
{
    private readonly Option<string?> data = SharedOption.Data("folder of images, {train,val,test}/CLASS/* or CLASS/*");
    private readonly Option<LabelScheme?> labels = SharedOption.Labels();
    private readonly Option<string?> patient = SharedOption.Patient();
    private readonly Option<bool> json = SharedOption.Json();

    public DataCheckCommand(Terminal terminal)
        : base("check", "counts, sizes, who is a patient, what is left out, unreadable files, identical images, patients on both sides of a split")
    {
        foreach (Option option in new Option[] { data, labels, patient, json }) Add(option);
        SetAction((result, cancellation) => DataCheck.RunAsync(Read(result), terminal, cancellation));
    }

    private DataCheckSettings Read(ParseResult result) => new(
        result.GetValue(data) ?? throw new UserError("data check: which images? give their folder with --data DIR"),
        result.GetValue(labels) ?? LabelScheme.Folders, result.GetValue(patient), result.GetValue(json));
}
