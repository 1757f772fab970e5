using System.Globalization;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Train;

/// <summary>The output of <c>--find-learning-rate</c>: losses for growing rates, and the suggested rate.</summary>
public static class LearningRateTable
{
    /// <summary>Number of rates: about sixteen per power of ten.</summary>
    public const int Steps = 100;

    // Steps per row, so that the table fits a screen; and the longest bar of the curve.
    private const int StepsPerRow = 4, LongestBar = 40;

    /// <summary>Prints the curve as a table, or as JSON.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<SweptRate> rates, bool json)
    {
        var suggestion = LearningRateSweep.Suggestion(rates);
        if (json)
        {
            terminal.WriteJson(new
            {
                suggestion,
                rates = rates.Select(rate => new { learningRate = rate.LearningRate, loss = rate.Loss, smoothed = rate.Smoothed }),
            });
            return;
        }
        var table = new Table().Border(TableBorder.Simple);
        foreach (var name in new[] { "rate", "loss", "smoothed" }) table.AddColumn(new TableColumn(name).RightAligned().NoWrap());
        table.AddColumn(new TableColumn("").NoWrap());
        var largest = rates.Select(rate => rate.Smoothed).DefaultIfEmpty(1).Max();
        foreach (var rate in rates.Where((_, i) => i % StepsPerRow == StepsPerRow - 1))
            table.AddRow(new Text(Rate(rate.LearningRate)), new Text(Loss(rate.Loss)), new Text(Loss(rate.Smoothed)),
                new Text(new string('#', (int)Math.Round(LongestBar * rate.Smoothed / largest))));
        terminal.WriteTable(table, 3);
        terminal.Results.WriteLine(suggestion is { } found
            ? $"the loss falls fastest at {Rate(found)}: try --learning-rate {Rate(found)}"
            : "the loss falls nowhere: no rate to suggest; look at the images and the settings");
    }

    private static string Rate(double rate) => rate.ToString("0.0e-0", CultureInfo.InvariantCulture);

    private static string Loss(double loss) => loss.ToString("F4", CultureInfo.InvariantCulture);
}
