using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Actions;

/// <summary>The files of a run.</summary>
public static class RunFolder
{
    /// <summary>The checkpoint of the best epoch.</summary>
    public static string BestPath(string run) => Path.Combine(run, "best.safetensors");

    /// <summary>The checkpoint to resume from.</summary>
    public static string LastPath(string run) => Path.Combine(run, "last.safetensors");

    /// <summary>What augmentation makes of some of the training images.</summary>
    public static string AugmentationPath(string run) => Path.Combine(run, "augmentation.png");

    /// <summary>Refuses a folder that holds something already, unless its run is to be resumed.</summary>
    /// <exception cref="UserError">It does.</exception>
    public static void RefuseExisting(string run, bool resume)
    {
        if (File.Exists(run)) throw new UserError($"--out {run}: is a file; name a folder");
        if (!resume && Directory.Exists(run) && Directory.EnumerateFileSystemEntries(run).Any())
            throw new UserError($"--out {run}: exists already; choose another folder, or add --resume to continue that run");
    }

    /// <summary>A name that no folder has: the one given, or with the least number behind it.</summary>
    public static string Unused(string run)
    {
        string unused = run;
        for (int number = 2; Path.Exists(unused); number++) unused = $"{run}-{number}";
        return unused;
    }

    /// <summary>Removes what a finished run says of itself: once it goes on, its weights are other ones, and a stop must not leave figures beside them.</summary>
    public static void Reopen(string run)
    {
        File.Delete(Path.Combine(run, MetricsFile.FileName));
        File.Delete(Path.Combine(run, TrainingReport.FileName));
    }

    /// <summary>Takes back what <see cref="Prepare"/> and the plan left of a run that never finished an epoch.</summary>
    public static void Discard(string run)
    {
        File.Delete(Path.Combine(run, ConfigFile.FileName));
        File.Delete(AugmentationPath(run));
        if (!Directory.EnumerateFileSystemEntries(run).Any()) Directory.Delete(run);
    }

    /// <summary>Makes the folder and sees that it can be written to.</summary>
    /// <exception cref="UserError">It cannot.</exception>
    public static void Prepare(string run)
    {
        try
        {
            Directory.CreateDirectory(run);
            string probe = Path.Combine(run, ".writable");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"--out {run}: cannot be written to: {e.Message}", e);
        }
    }
}
