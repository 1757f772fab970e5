using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary>
/// <c>time.json</c> of a run folder, which is there until the run ends: how long it has taken so far. Checkpoints hold no time, and
/// <c>history.csv</c> only that of whole epochs.
/// </summary>
/// <param name="Seconds">Wall time of all its sittings.</param>
/// <param name="UnfinishedEpoch">Seconds that went into the epoch in which the run stands; 0 between two.</param>
public sealed record RunTime(double Seconds, double UnfinishedEpoch)
{
    public const string FileName = "time.json";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string runFolder) => JsonFile.Write(Path.Combine(runFolder, FileName), this);

    /// <summary>The time of a run so far; zero where no file says it: a run can go on without.</summary>
    public static RunTime Read(string runFolder)
    {
        try
        {
            var time = JsonFile.Read<RunTime>(Path.Combine(runFolder, FileName), "times");
            return time is { Seconds: >= 0 and < double.PositiveInfinity, UnfinishedEpoch: >= 0 and < double.PositiveInfinity } ? time
                : new RunTime(0, 0);
        }
        catch (UserError)
        {
            return new RunTime(0, 0);
        }
    }

    /// <summary>Removes the file of a run that has ended.</summary>
    /// <exception cref="UserError">It cannot be removed.</exception>
    public static void Delete(string runFolder) => OutputFile.Remove(Path.Combine(runFolder, FileName));
}
