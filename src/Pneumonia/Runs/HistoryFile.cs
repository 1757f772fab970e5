using System.Globalization;
using System.Text;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Runs;

/// <summary><c>history.csv</c> of a run folder: a header and one row an epoch, numbers with a point and every digit they have.</summary>
public static class HistoryFile
{
    public const string FileName = "history.csv";

    /// <exception cref="UserError">The file cannot be written.</exception>
    public static void Write(string runFolder, IEnumerable<EpochMetrics> epochs)
    {
        var text = new StringBuilder("epoch,seconds,trainLoss,trainAccuracy,valLoss,valAccuracy\n");
        foreach (var epoch in epochs)
            text.Append($"{epoch.Epoch},{epoch.Seconds:R},{epoch.TrainLoss:R},{epoch.TrainAccuracy:R},")
                .Append($"{epoch.ValLoss:R},{epoch.ValAccuracy:R}\n");
        OutputFile.WriteText(Path.Combine(runFolder, FileName), text.ToString());
    }

    /// <summary>The epochs' times in seconds; none without a file.</summary>
    /// <exception cref="UserError">The file cannot be read, or a row is broken.</exception>
    public static IReadOnlyList<double> ReadSeconds(string runFolder)
    {
        var path = Path.Combine(runFolder, FileName);
        if (!Path.Exists(path)) return [];
        var seconds = new List<double>();
        try
        {
            foreach (var line in File.ReadLines(path).Skip(1))
            {
                if (line.Split(',') is not [_, var field, ..]
                    || !double.TryParse(field, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                    || !double.IsFinite(value) || value < 0)
                    throw new FormatException($"row {seconds.Count + 1} does not hold the seconds of an epoch");
                seconds.Add(value);
            }
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            throw UserError.From(e, $"{path}: cannot be read",
                advice: "repair it, or move it away: the run goes on without the times of its epochs");
        }
        return seconds;
    }
}
