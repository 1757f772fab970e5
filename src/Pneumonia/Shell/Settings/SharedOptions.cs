namespace Convolve.Pneumonia.Shell;

// Options with the same meaning in every command.

internal sealed class DataAttribute(string help) : TextAttribute("DIR", help, "a folder");

internal sealed class RunAttribute(string help) : TextAttribute("DIR", help, "the folder of a run");

internal sealed class DeviceAttribute() : TextAttribute("auto|cuda|opencl|cpu|NAME",
    "where to compute (auto); a device that is asked for and missing is an error", "auto, cuda, opencl, cpu or part of a device's name")
{
    /// <summary>The defaults.</summary>
    public const string Default = "auto";
}

internal sealed class SeedAttribute() : WholeAttribute("seed of everything random (1)", 0, int.MaxValue);

internal sealed class TraceAttribute() : TextAttribute("FILE",
    "record every kernel, copy, wait and phase and the device's memory over time, for ui.perfetto.dev or chrome://tracing", "a file");

internal sealed class JsonAttribute() : FlagAttribute("print one JSON document and nothing else");

internal sealed class LimitAttribute(string help = "keep N images of each part (all)") : WholeAttribute(help, 1, 10_000_000);

internal sealed class PixelsAttribute(string help) : WholeAttribute(help, 1, PixelsAttribute.Most)
{
    /// <summary>The largest width and height of an image.</summary>
    public const int Most = 4096;
}

internal sealed class PositiveAttribute() : TextAttribute("CLASS",
    "which of two classes is the positive one (PNEUMONIA; else the one whose name does not mean healthy)", "a class");

internal sealed class PatientAttribute() : TextAttribute("REGEX",
    "who is a patient: a regular expression, matched on the paths below DIR, whose one group is the patient (manifest.csv, else the known "
        + "forms of file names)",
    "a regular expression with one group");
