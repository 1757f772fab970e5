using System.Text;
using System.Text.Json;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Experiments;

/// <summary>The table as files in the folder of the runs: for people, for documents and for programs.</summary>
public static class ExperimentFiles
{
    public const string Markdown = "table.md", Page = "table.html", Json = "table.json";

    /// <summary>Writes all three, replacing existing ones.</summary>
    /// <exception cref="UserError">One cannot be written.</exception>
    public static void Write(string folder, IReadOnlyList<ExperimentResult> results)
    {
        OutputFile.WriteText(Path.Combine(folder, Markdown), ToMarkdown(results));
        OutputFile.WriteText(Path.Combine(folder, Page), ExperimentPage.ToHtml(results));
        OutputFile.WriteText(Path.Combine(folder, Json), JsonSerializer.Serialize(results, JsonFormat.Indented) + "\n");
    }

    internal static string ToMarkdown(IReadOnlyList<ExperimentResult> results)
    {
        string[] columns = ["row", "published "
            + "accuracy, loss", "second run", "accuracy", "AUC", "loss", "epochs", "hours then", "minutes now", "images", "split", "note"];
        var text = new StringBuilder();
        Line(columns);
        Line(columns.Select(_ => "---"));
        foreach (var row in results.Select(result => new ExperimentText(result)))
        {
            string[] links = [.. row.Runs.Select(run => $"[{run.Name}]({run.Folder}/{RunFolder.ReportName})")];
            Line([row.Id, $"{row.Published.Accuracy}, {row.Published.Loss}", $"{row.SecondRun.Accuracy}, {row.SecondRun.Loss}",
                Spread(row.Accuracy), Spread(row.Auc),
                Spread(row.Loss), row.Epochs, row.HoursThen, row.MinutesNow, row.Images, row.Split,
                string.Join("; ", new[] { Escaped(row.Note) }.Concat(links).Where(part => part.Length > 0))]);
        }
        text.Append('\n').Append(ExperimentText.Explanation).Append("\n\nDevice: ")
            .Append(string.Join("; ", results.Select(result => result.Device).Distinct())).Append(".\n\n")
                .Append(Terminal.NotForClinicalUse).Append('\n');
        return text.ToString();

        void Line(IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
    }

    private static string Spread((string Figure, string Spread) cell) =>
        cell.Spread.Length == 0 ? cell.Figure : cell.Spread[0] == '±' ? $"{cell.Figure} {cell.Spread}" : $"{cell.Figure} ({cell.Spread})";

    private static string Escaped(string text) => text.Replace("|", "\\|").ReplaceLineEndings(" ");
}
