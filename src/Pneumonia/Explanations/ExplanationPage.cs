using System.Net;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Explanations;

/// <summary>A picture of the page.</summary>
/// <param name="Title">What it is, in a few words.</param>
/// <param name="Caption">How to read it.</param>
/// <param name="Png">The PNG file.</param>
public sealed record Figure(string Title, string Caption, byte[] Png);

/// <summary>
/// <c>index.html</c> of an explanation: one file that needs nothing else, light or dark as the reader's system is, on a telephone or on paper.
/// </summary>
/// <param name="Model">What was asked, e.g. the run's folder.</param>
/// <param name="Classes">Names of the classes in the order of the network's outputs.</param>
/// <param name="Images">The images.</param>
/// <param name="FiguresOf">The pictures of each image.</param>
/// <param name="Figures">The pictures of the network itself.</param>
/// <param name="Data">What the explorer needs.</param>
public sealed record ExplanationPage(string Model, IReadOnlyList<string> Classes, IReadOnlyList<ExplainedImage> Images,
    IReadOnlyList<IReadOnlyList<Figure>> FiguresOf, IReadOnlyList<Figure> Figures, JsonObject Data)
{
    public const string FileName = "index.html";

    /// <summary>The network's own threshold; null where it has none.</summary>
    public double? Threshold { get; init; }

    /// <summary>The positive one of two classes; null for the second.</summary>
    public string? Positive { get; init; }

    // The default one writes six characters for each + of base64.
    private static readonly JsonSerializerOptions plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The whole page.</summary>
    public string ToHtml()
    {
        var html = new StringBuilder();
        html.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
        html.Append($"<link rel=\"icon\" href=\"data:,\"><title>{Text(Title)} – Convolve</title><style>{Resource("explanation.css")}</style></head><body><main>\n");
        html.Append($"<header><p class=\"soft\">Convolve · {Text(Model)}</p><h1>{Text(Title)}</h1></header>\n");
        for (int i = 0; i < Images.Count; i++) AppendImage(html, Images[i], FiguresOf[i]);
        AppendExplorer(html);
        if (Figures.Count > 0)
        {
            html.Append("<section><h2>What the network looks for</h2>");
            foreach (Figure figure in Figures)
            {
                html.Append($"<h3>{Text(figure.Title)}</h3><figure><div class=\"wide\">{Image(figure, "pixels")}</div><figcaption>{Text(figure.Caption)}</figcaption></figure>");
            }
            html.Append("</section>\n");
        }
        html.Append($"<footer><strong>{TrainingReport.NotForClinicalUse}</strong> What a network looks at is no diagnosis, and a map of it no finding.</footer></main>\n");
        // In JSON within a page, no text may end the script.
        html.Append($"<script type=\"application/json\" id=\"explorer-data\">{Data.ToJsonString(plain).Replace("<", "\\u003c")}</script>\n");
        html.Append($"<script>{Resource("explorer.js")}</script>\n");
        return html.Append("</body></html>\n").ToString();
    }

    private string Title => Images.Count == 1 ? $"{Images[0].Name}: {PredictionFor(Images[0])}" : $"{Images.Count} images explained";

    private ImagePrediction PredictionFor(ExplainedImage image) => ImagePrediction.Of(Classes, image.Probabilities, Threshold, Positive);

    private void AppendImage(StringBuilder html, ExplainedImage image, IReadOnlyList<Figure> figures)
    {
        // Of a single image the page's title says that already.
        html.Append($"<section><h2>{(Images.Count == 1 ? "Where it looked" : Text($"{image.Name}: {PredictionFor(image)}"))}</h2><p>Probability ");
        html.AppendJoin(", ", image.Probabilities.Select((p, i) => $"{Text(Classes[i])} {p:F4}"));
        html.Append($". Explained is <strong>{Text(Classes[image.ClassIndex])}</strong>.</p><div class=\"figures\">");
        foreach (Figure figure in figures)
            html.Append($"<figure>{Image(figure, "")}<figcaption><strong>{Text(figure.Title)}.</strong> {Text(figure.Caption)}</figcaption></figure>");
        html.Append("</div></section>\n");
    }

    private static void AppendExplorer(StringBuilder html) => html.Append("""
        <section id="explorer"><h2>Where every number comes from</h2>
        <p class="soft">Choose a layer, a channel and a place: below stands the arithmetic that made the number there, with the real values, summed
        in double precision in your browser beside what the engine computed in single precision by the same sum. (Where time counts it takes Winograd's
        algorithm, whose numbers are others and whose results the same to rounding.)</p>
        <noscript><p><strong>This part needs scripts.</strong> The activations are also PNG files beside this page.</p><style>#explorer-wait{display:none}</style></noscript>
        <p class="soft" id="explorer-wait">Working out the numbers…</p>
        <div id="explorer-body" hidden>
        <div class="choices">
        <label>Image<select id="explorer-image-choice"></select></label>
        <label>Layer<select id="explorer-layer"></select></label>
        <label>Channel<select id="explorer-channel"></select></label>
        <label>Row<input id="explorer-row" type="number" min="0"></label>
        <label>Column<input id="explorer-column" type="number" min="0"></label>
        </div>
        <p class="soft" id="explorer-count"></p>
        <div id="explorer-channels"></div>
        <div class="pair">
        <figure id="explorer-map-figure"><canvas id="explorer-map"></canvas><figcaption id="explorer-range"></figcaption></figure>
        <figure><canvas id="explorer-image"></canvas><figcaption id="explorer-field"></figcaption></figure>
        </div>
        <p id="explorer-missing" hidden>The values that go into this layer are too many for this page; explain --all embeds them.</p>
        <div id="explorer-arithmetic">
        <h3>The arithmetic</h3>
        <p class="soft" id="explorer-folded"></p>
        <div id="explorer-terms"></div>
        <div id="explorer-inputs" class="wide"></div>
        <p class="answer"><span id="explorer-formula"></span><br>summed here <strong id="explorer-sum"></strong> · the engine's activation
        <strong id="explorer-engine"></strong> · difference <span id="explorer-difference"></span></p>
        </div></div></section>

        """);

    private static string Image(Figure figure, string kind) =>
        $"<img class=\"{kind}\" alt=\"{Text(figure.Title)}\" src=\"data:image/png;base64,{Convert.ToBase64String(figure.Png)}\">";

    private static string Resource(string name)
    {
        using Stream stream = typeof(ExplanationPage).Assembly.GetManifestResourceStream(name)!;
        return new StreamReader(stream).ReadToEnd();
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
