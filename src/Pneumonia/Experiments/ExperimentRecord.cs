using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Experiments;

/// <summary><c>experiment.json</c> in the run folder of a row: data for the table that the run's other files lack.</summary>
/// <param name="Id">The row.</param>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Minutes">Wall time of all its sessions, from the first image to the report.</param>
/// <param name="PlannedEpochs">Largest number of epochs.</param>
/// <param name="EpochsScale">Their fraction of the published epochs.</param>
/// <param name="Note">Notes for the comparison with the published result.</param>
public sealed record ExperimentRecord(string Id, int Seed, double Minutes, int PlannedEpochs, double EpochsScale, string Note)
{
    public const string FileName = "experiment.json";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public void Write(string run) =>
        JsonFile.Write(Path.Combine(run, FileName), this);

    /// <summary>Reads the record of a run; null where there is none.</summary>
    /// <exception cref="UserError">The file is broken.</exception>
    public static ExperimentRecord? Read(string run)
    {
        var path = Path.Combine(run, FileName);
        return Path.Exists(path) ? JsonFile.Read<ExperimentRecord>(path, "an experiment", advice: "remove it, its run stays") : null;
    }
}
