using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Reports;
using Spectre.Console;

namespace Convolve.Pneumonia.Experiments;

/// <summary>The table in the terminal, two lines a row so that it fits.</summary>
public static class ExperimentDisplay
{
    // Columns of a terminal below which the second published run leaves the table.
    private const int RoomForSecondRun = 96;

    /// <summary>Writes the rows, their notes, and where the files are.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<ExperimentResult> results, string folder)
    {
        IAnsiConsole console = terminal.Tables;
        bool isWide = console.Profile.Width >= RoomForSecondRun;
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("").NoWrap());
        string[] columns = ["published\naccuracy\nand loss", .. isWide ? ["second\nrun"] : Array.Empty<string>(), "accuracy", "AUC", "loss", "epochs", "then\nnow"];
        foreach (string column in columns) table.AddColumn(new TableColumn(new Text(column)).RightAligned().NoWrap());
        ExperimentText[] rows = [.. results.Select(result => new ExperimentText(result))];
        foreach (ExperimentText row in rows)
        {
            (string, string)[] cells =
            [
                row.Published, .. isWide ? [row.SecondRun] : Array.Empty<(string, string)>(), row.Accuracy, row.Auc, row.Loss, (row.Epochs, ""),
                (row.HoursThen, row.MinutesNow),
            ];
            table.AddRow([new Text(row.Id), .. cells.Select(cell => new Text($"{cell.Item1}\n{cell.Item2}"))]);
        }
        console.Write(table);
        foreach (ExperimentText row in rows.Where(row => row.Note.Length > 0)) terminal.Results.WriteLine($"{row.Id}: {row.Note}");
        terminal.Results.WriteLine(ExperimentText.Explanation);
        terminal.Results.WriteLine($"table: {Path.Combine(folder, ExperimentFiles.Page)}, {ExperimentFiles.Markdown}, {ExperimentFiles.Json}");
        terminal.Results.WriteLine(TrainingReport.NotForClinicalUse);
    }
}
