using System.CommandLine;
using Convolve.Pneumonia.Evaluate;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Shell;

/// <summary>Options that mean the same in every command.</summary>
internal static class SharedOption
{
    public const string DefaultDevice = "auto";
    public const int DefaultSeed = 1;

    private const int MostImages = 10_000_000;

    public static Option<string?> Data(string description) => CheckedOption.Text("--data", "DIR", description, "a folder");

    public static Option<string?> Run(string description) => CheckedOption.Text("--run", "DIR", description, "the folder of a run");

    public static Option<string?> Device() => CheckedOption.Text("--device", "auto|cuda|opencl|cpu|NAME",
        "where to compute (auto); a device that is asked for and missing is an error", "auto, cuda, opencl, cpu or part of a device's name");

    public static Option<int?> Seed() => CheckedOption.Whole("--seed", "seed of everything random (1)", 0, int.MaxValue);

    public static Option<bool> Json() => CheckedOption.Flag("--json", "print one JSON document and nothing else");

    public static Option<int?> TestTimeAugmentation() => CheckedOption.Whole("--test-time-augmentation",
        "ask about N copies of each image, the first as it is, the others mirrored by chance and moved a little, and take the mean probability (1)",
        1, Evaluate.TestTimeAugmentation.MostCopies);

    public static Option<int?> Limit(string description = "keep N images of each part (all)") => CheckedOption.Whole("--limit", description, 1, MostImages);

    public static Option<string?> Positive() => CheckedOption.Text("--positive", "CLASS",
        "which of two classes is the positive one (PNEUMONIA; else the one whose name does not mean healthy)", "a class");

    public static Option<string?> Patient() => CheckedOption.Text("--patient", "REGEX",
        "who is a patient: a regular expression, matched on the paths below DIR, whose one group is the patient (manifest.csv, else the known forms of file names)",
        "a regular expression with one group");

    public static Option<LabelScheme?> Labels() => CheckedOption.Choice<LabelScheme>("--labels",
        "classes by folder, or BACTERIAL, NORMAL, VIRAL by file name (folders)");
}
