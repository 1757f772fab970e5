using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Runs;

namespace Convolve.Pneumonia.Experiments;

/// <summary>The table as a page: one self-contained file, light or dark, whose rows become cards on a phone.</summary>
public static class ExperimentPage
{
    public static string ToHtml(IReadOnlyList<ExperimentResult> results)
    {
        var devices = string.Join("; ", results.Select(result => result.Device).Distinct());
        Html main = $"""
            <header><p class="eyebrow">Convolve</p><h1>The reference experiments, run again</h1></header>
            <p>{ExperimentText.Explanation}</p>
            <div class="wide"><table><thead><tr>
            <th>row</th><th>published<br>accuracy, loss</th><th>second run</th><th>accuracy</th><th>AUC</th><th>loss</th>
            <th>epochs</th><th>hours<br>then</th><th>minutes<br>now</th><th>images</th></tr></thead>
            {Html.Each(results.Select(result => new ExperimentText(result)), Row)}</table></div>
            <p class="small">Images: training / validation / test. Device: {devices}.</p>

            """;
        Html style = $"{Html.FromFile("report.css")}{Html.FromFile("experiments.css")}";
        return new Page("experiments", "Experiments", style, main,
            "Models from a teaching and research project; their predictions are not a diagnosis.").ToHtml();
    }

    private static Html Row(ExperimentText row)
    {
        Html[] cells =
        [
            Cell("published", row.Published), Cell("second run", row.SecondRun),
            Cell("accuracy", row.Accuracy), Cell("AUC", row.Auc), Cell("loss", row.Loss),
            Cell("epochs", (row.Epochs, "")), Cell("hours then", (row.HoursThen, "")),
            Cell("minutes now", (row.MinutesNow, "")), Cell("images", (row.Images, "")),
        ];
        var notes = string.Join("; ", new[] { row.What, row.Note }.Where(note => note.Length > 0));
        var runs = Html.Each(row.Runs,
            run => $""" · <a href="{Uri.EscapeDataString(run.Folder)}/{RunFolder.ReportName}">{run.Name}</a>""");
        return $"""
            <tbody><tr><th>{row.Id}</th>{Html.Concat(cells)}</tr><tr class="note"><td colspan="10">{notes}{runs}</td></tr></tbody>

            """;
    }

    private static Html Cell(string column, (string First, string Second) cell)
    {
        var second = cell.Second.Length > 0 ? $"<br><small>{cell.Second}</small>" : Html.Empty;
        return $"""<td data-column="{column}">{cell.First}{second}</td>""";
    }
}
