using Convolve.Pneumonia.Pages;

namespace Convolve.Pneumonia.Reports;

/// <summary>The frame of a report, and the pieces that both kinds of report have.</summary>
internal static class ReportPage
{
    /// <summary>The document around some sections.</summary>
    /// <param name="title">What it is about.</param>
    /// <param name="sections">The sections.</param>
    public static string Of(string title, IEnumerable<Html> sections) =>
        new Page("report", title, Html.FromFile("report.css"), Html.Concat(sections),
            "A model from a teaching and research project; its predictions are not a diagnosis.").ToHtml();

    /// <summary>A section of a report.</summary>
    /// <param name="title">Its heading.</param>
    /// <param name="content">What stands below it.</param>
    public static Html Section(string title, Html content) => $"<section><h2>{title}</h2>{content}</section>\n";

    /// <summary>Names and values in two columns.</summary>
    public static Html Rows(params IEnumerable<(string Name, string Value)> rows) =>
        $"<dl>{Html.Each(rows, row => $"<dt>{row.Name}</dt><dd>{row.Value}</dd>")}</dl>";

    /// <summary>Lines of one kind, "notes" or "warnings"; nothing where there are none.</summary>
    public static Html List(string kind, IReadOnlyList<string> lines) =>
        lines.Count == 0 ? Html.Empty : $"""<ul class="{kind}">{Html.Each(lines, line => $"<li>{line}</li>")}</ul>""";

    /// <summary>The limitations of the figures: headings and paragraphs.</summary>
    public static Html Limits(IReadOnlyList<(string Heading, string Text)> limits)
    {
        var paragraphs = Html.Each(limits, limit => $"<div><h3>{limit.Heading}</h3><p>{limit.Text}</p></div>");
        return Section("Limitations", $"""<div class="limits">{paragraphs}</div>""");
    }

    public static string Percent(double value) => $"{100 * value:F1}\u00A0%";

    public static string Percent(double? value) => value is { } known ? Percent(known) : "–";

    public static string Figure(double? value) => value is { } known ? $"{known:F3}" : "–";

    /// <summary>A picture as a part of the page.</summary>
    /// <param name="png">The PNG file.</param>
    /// <param name="name">What it shows, for those who cannot see it.</param>
    public static Html Image(byte[] png, string name) =>
        $"""<img alt="{name}" src="data:image/png;base64,{Convert.ToBase64String(png)}">""";
}
