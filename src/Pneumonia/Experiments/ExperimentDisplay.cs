using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Experiments;

/// <summary>The table in the terminal, two lines per row so that it fits.</summary>
public static class ExperimentDisplay
{
    // The first columns to omit in a narrow terminal.
    private const int SecondRun = 2, Epochs = 6, Time = 7;

    /// <summary>Writes the rows, their notes, and where the files are.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<ExperimentResult> results, string folder)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("").NoWrap());
        string[] columns = ["published\naccuracy\nand loss", "second\nrun", "accuracy", "AUC", "loss", "epochs", "then\nnow"];
        foreach (var column in columns) table.AddColumn(new TableColumn(new Text(column)).RightAligned().NoWrap());
        ExperimentText[] rows = [.. results.Select(result => new ExperimentText(result))];
        foreach (var row in rows)
        {
            (string, string)[] cells =
            [
                row.Published, row.SecondRun, row.Accuracy, row.Auc, row.Loss, (row.Epochs, ""),
                (row.HoursThen, row.MinutesNow),
            ];
            table.AddRow([new Text(row.Id), .. cells.Select(cell => new Text($"{cell.Item1}\n{cell.Item2}"))]);
        }
        terminal.WriteTable(table, SecondRun, Time, Epochs);
        foreach (var row in rows.Where(row => row.Note.Length > 0)) terminal.Results.WriteLine($"{row.Id}: {row.Note}");
        terminal.Results.WriteLine(ExperimentText.Explanation);
        terminal.Results.WriteLine(
            $"table: {Path.Combine(folder, ExperimentFiles.Page)}, {ExperimentFiles.Markdown}, {ExperimentFiles.Json}");
        terminal.Results.WriteLine(Terminal.NotForClinicalUse);
    }
}
