using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary>The files of a run.</summary>
public static class RunFolder
{
    /// <summary>The report's name, in this folder and in others that a command writes.</summary>
    public const string ReportName = "report.html";

    /// <summary>The checkpoint of the best epoch.</summary>
    public static string BestPath(string run) => Path.Combine(run, "best.safetensors");

    /// <summary>The checkpoint to resume from.</summary>
    public static string LastPath(string run) => Path.Combine(run, "last.safetensors");

    /// <summary>Examples of augmented training images.</summary>
    public static string AugmentationPath(string run) => Path.Combine(run, "augmentation.png");

    /// <summary>Claims the folder of a run, before any of its files is read.</summary>
    /// <param name="folder">The folder; null for a new one below <c>runs</c>.</param>
    /// <param name="model">The network, for the name of a new folder.</param>
    /// <param name="resume">Whether the run in the folder is resumed.</param>
    /// <exception cref="UserError">Another command writes to it, it contains something else, or it is not writable.</exception>
    public static FolderClaim Claim(string? folder, string model, bool resume)
    {
        if (folder is null) return FolderClaim.OfUnused(Path.Combine("runs", $"{DateTime.Now:yyyyMMdd-HHmmss}-{model}"));
        return resume ? FolderClaim.Of(folder)
            : FolderClaim.OfEmpty(folder, "choose another folder, or add --resume to continue that run");
    }

    /// <summary>Removes the results of a finished run: once resumed, its weights change, and a stop must not leave metrics of other
    /// weights.</summary>
    /// <exception cref="UserError">It cannot be removed.</exception>
    public static void Reopen(string run)
    {
        OutputFile.Remove(Path.Combine(run, MetricsFile.FileName));
        OutputFile.Remove(Path.Combine(run, ReportName));
    }

    /// <summary>Removes the files of a run that was never saved and so cannot be resumed.</summary>
    /// <param name="run">The folder.</param>
    /// <param name="bestIsOurs">Whether the run has written a best checkpoint.</param>
    public static void Discard(string run, bool bestIsOurs)
    {
        try
        {
            File.Delete(Path.Combine(run, ConfigFile.FileName));
            File.Delete(AugmentationPath(run));
            if (bestIsOurs) File.Delete(BestPath(run));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder or its drive is gone; the reason is reported elsewhere.
        }
    }
}
