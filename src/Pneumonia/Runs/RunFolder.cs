using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Train;

namespace Convolve.Pneumonia.Runs;

/// <summary>The files of a run.</summary>
public static class RunFolder
{
    /// <summary>The checkpoint of the best epoch.</summary>
    public static string BestPath(string run) => Path.Combine(run, "best.safetensors");

    /// <summary>The checkpoint to resume from.</summary>
    public static string LastPath(string run) => Path.Combine(run, "last.safetensors");

    /// <summary>Examples of augmented training images.</summary>
    public static string AugmentationPath(string run) => Path.Combine(run, "augmentation.png");

    /// <summary>Claims the folder of a run, before any of its files is read.</summary>
    /// <param name="settings">Which folder, and whether its run is resumed.</param>
    /// <exception cref="UserError">Another command writes to it, it contains something else, or it is not writable.</exception>
    public static FolderClaim Claim(TrainSettings settings)
    {
        if (settings.Out is null)
            return FolderClaim.OfUnused(
                Path.Combine("runs", $"{DateTime.Now:yyyyMMdd-HHmmss}-{settings.Model.ToString().ToLowerInvariant()}"));
        return settings.Resume
            ? FolderClaim.Of(settings.Out)
            : FolderClaim.OfEmpty(settings.Out, "choose another folder, or add --resume to continue that run");
    }

    /// <summary>Removes the results of a finished run: once resumed, its weights change, and a stop must not leave metrics of other
    /// weights.</summary>
    /// <exception cref="UserError">It cannot be removed.</exception>
    public static void Reopen(string run)
    {
        OutputFile.Remove(Path.Combine(run, MetricsFile.FileName));
        OutputFile.Remove(Path.Combine(run, TrainingReport.FileName));
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
