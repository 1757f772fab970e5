using System.Net;
using System.Text;
using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Experiments;

/// <summary>The table as a page: one file that needs nothing else, light or dark, whose rows become cards on a telephone.</summary>
public static class ExperimentPage
{
    public static string ToHtml(IReadOnlyList<ExperimentResult> results)
    {
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
        html.Append($"<title>Experiments – Convolve</title><style>{ReportStyle.Css}{Style}</style></head><body><main class=\"experiments\">\n");
        html.Append("<header><p class=\"eyebrow\">Convolve</p><h1>The reference experiments, run again</h1></header>\n");
        html.Append($"<p>{Text(ExperimentText.Explanation)}</p>\n");
        html.Append("<div class=\"wide\"><table><thead><tr>");
        foreach (string column in new[] { "row", "published<br>accuracy, loss", "second run", "accuracy", "AUC", "loss", "epochs", "hours<br>then", "minutes<br>now", "images" })
            html.Append($"<th>{column}</th>");
        html.Append("</tr></thead>\n");
        foreach (ExperimentText row in results.Select(result => new ExperimentText(result))) AppendRow(html, row);
        html.Append("</table></div>\n");
        html.Append($"<p class=\"small\">Images: training / validation / test. Device: {Text(string.Join("; ", results.Select(result => result.Device).Distinct()))}.</p>\n");
        html.Append($"<footer><strong>{TrainingReport.NotForClinicalUse}</strong> Models of a teaching and research project; their answers are no diagnosis.</footer>\n");
        return html.Append("</main></body></html>\n").ToString();
    }

    private static void AppendRow(StringBuilder html, ExperimentText row)
    {
        html.Append($"<tbody><tr><th>{Text(row.Id)}</th>");
        Cell("published", row.Published);
        Cell("second run", row.SecondRun);
        Cell("accuracy", row.Accuracy);
        Cell("AUC", row.Auc);
        Cell("loss", row.Loss);
        Cell("epochs", (row.Epochs, ""));
        Cell("hours then", (row.HoursThen, ""));
        Cell("minutes now", (row.MinutesNow, ""));
        Cell("images", (row.Images, ""));
        string[] notes = [.. new[] { row.What, row.Note }.Where(note => note.Length > 0).Select(Text)];
        html.Append($"</tr><tr class=\"note\"><td colspan=\"10\">{string.Join("; ", notes)}");
        foreach ((string name, string folder) in row.Runs)
            html.Append($" · <a href=\"{Text(Uri.EscapeDataString(folder))}/{TrainingReport.FileName}\">{Text(name)}</a>");
        html.Append("</td></tr></tbody>\n");

        void Cell(string column, (string First, string Second) cell) => html.Append(
            $"<td data-column=\"{column}\">{Text(cell.First)}{(cell.Second.Length > 0 ? $"<br><small>{Text(cell.Second)}</small>" : "")}</td>");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    // On a narrow screen each row is a card, its columns beside their names.
    private const string Style = """
        main.experiments{max-width:1200px}
        .experiments tbody tr:first-child>*{border-bottom:0;padding-bottom:0}.experiments tbody th{font-weight:600;white-space:nowrap}
        .experiments .note td{color:var(--soft);font-size:.85rem;padding-top:.2em}
        a{color:var(--one)}
        @media (max-width:760px){
        .experiments table,.experiments tbody,.experiments tr,.experiments tbody th,.experiments td{display:block;border:0;padding:.1em 0}
        .experiments thead{display:none}.experiments tbody{border-bottom:1px solid var(--rule);padding:.8em 0}
        .experiments td[data-column]{display:flex;justify-content:space-between;gap:1em;text-align:right}
        .experiments td[data-column]::before{content:attr(data-column);color:var(--soft)}
        .experiments td[data-column] br{display:none}.experiments td[data-column] small{margin-left:auto}}
        """;
}
