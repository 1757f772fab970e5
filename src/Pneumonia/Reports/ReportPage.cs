using System.Net;
using System.Text;

namespace Convolve.Pneumonia.Reports;

/// <summary>The frame of a report and the ways its text is written: one HTML file that needs nothing else, light or dark as the reader's system is, on a telephone or on paper.</summary>
internal static class ReportPage
{
    /// <summary>The document around some sections.</summary>
    /// <param name="title">What it is about.</param>
    /// <param name="sections">HTML.</param>
    public static string Of(string title, StringBuilder sections) =>
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
        + "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">"
        + $"<title>{Text(title)} – Convolve</title><style>{ReportStyle.Css}</style></head><body><main>\n{sections}"
        + $"<footer><strong>{TrainingReport.NotForClinicalUse}</strong> A model of a teaching and research project; its answers are no diagnosis.</footer>\n"
        + "</main></body></html>\n";

    /// <summary>Names and values in two columns.</summary>
    public static void AppendRows(StringBuilder html, params IEnumerable<(string Name, string Value)> rows)
    {
        html.Append("<dl>");
        foreach ((string name, string value) in rows) html.Append($"<dt>{Text(name)}</dt><dd>{Text(value)}</dd>");
        html.Append("</dl>");
    }

    /// <summary>Lines of one kind, "notes" or "warnings"; nothing where there are none.</summary>
    public static void AppendList(StringBuilder html, string kind, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        html.Append($"<ul class=\"{kind}\">");
        foreach (string line in lines) html.Append($"<li>{Text(line)}</li>");
        html.Append("</ul>");
    }

    /// <summary>What the figures do not say.</summary>
    public static void AppendLimits(StringBuilder html, IReadOnlyList<(string Heading, string Text)> limits)
    {
        html.Append("<section><h2>What the figures do not say</h2><div class=\"limits\">");
        foreach ((string heading, string text) in limits) html.Append($"<div><h3>{Text(heading)}</h3><p>{Text(text)}</p></div>");
        html.Append("</div></section>\n");
    }

    public static string Text(string text) => WebUtility.HtmlEncode(text);

    public static string Percent(double value) => $"{100 * value:F1}\u00A0%";

    public static string Percent(double? value) => value is { } known ? Percent(known) : "–";

    public static string Figure(double? value) => value is { } known ? $"{known:F3}" : "–";

    public static string Image(byte[] png, string name, string style = "") =>
        $"<img{(style.Length == 0 ? "" : $" class=\"{style}\"")} alt=\"{Text(name)}\" src=\"data:image/png;base64,{Convert.ToBase64String(png)}\">";
}
