using System.Text.Json.Nodes;
using Convolve.Pneumonia.Pages;
using Convolve.Pneumonia.Scores;

namespace Convolve.Pneumonia.Explanations;

/// <summary>A picture of the page.</summary>
/// <param name="Title">What it is, in a few words.</param>
/// <param name="Caption">How to read it.</param>
/// <param name="Png">The PNG file.</param>
public sealed record Figure(string Title, string Caption, byte[] Png);

/// <summary>
/// <c>index.html</c> of an explanation: one file that needs nothing else, light or dark as the reader's system is, readable on a phone and
/// on paper.
/// </summary>
/// <param name="Model">The model's name, such as its run folder.</param>
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

    /// <summary>The whole page.</summary>
    public string ToHtml()
    {
        Html header = $"""
            <header><p class="soft">Convolve · {Model}</p><h1>{Title}</h1></header>

            """;
        var network = Figures.Count == 0 ? Html.Empty : $"""
            <section><h2>What the network responds to</h2>{Html.Each(Figures, Wide)}</section>

            """;
        return new Page("explanation", Title, Html.FromFile("explanation.css"),
            Html.Concat([header, .. Images.Zip(FiguresOf, Explained), Html.FromFile("explorer.html"), network]),
            "Where a network looks is not a diagnosis, and a map of it is not a finding.")
        {
            Scripts = $"""
                <script type="application/json" id="explorer-data">{Html.Json(Data)}</script>
                <script>{Html.FromFile("explorer.js")}</script>

                """,
        }.ToHtml();

        static Html Wide(Figure figure) => $"""<h3>{figure.Title}</h3><figure><div class="wide">{Picture(figure, "pixels")}</div>"""
            + $"<figcaption>{figure.Caption}</figcaption></figure>";
    }

    private string Title => Images.Count == 1 ? $"{Images[0].Name}: {PredictionFor(Images[0])}" : $"{Images.Count} images explained";

    private ImagePrediction PredictionFor(ExplainedImage image) => ImagePrediction.Of(Classes, image.Probabilities, Threshold, Positive);

    private Html Explained(ExplainedImage image, IReadOnlyList<Figure> figures)
    {
        // With a single image the page's title says that already.
        var heading = Images.Count == 1 ? "Where the network looked" : $"{image.Name}: {PredictionFor(image)}";
        var probabilities = string.Join(", ", image.Probabilities.Select((p, i) => $"{Classes[i]} {p:F4}"));
        return $"""
            <section><h2>{heading}</h2><p>Probability {probabilities}. Explained class: <strong>{Classes[image.ClassIndex]}</strong>.</p>
            <div class="figures">{Html.Each(figures, Captioned)}</div></section>

            """;

        static Html Captioned(Figure figure) =>
            $"<figure>{Picture(figure, "")}<figcaption><strong>{figure.Title}.</strong> {figure.Caption}</figcaption></figure>";
    }

    private static Html Picture(Figure figure, string kind) =>
        $"""<img class="{kind}" alt="{figure.Title}" src="data:image/png;base64,{Convert.ToBase64String(figure.Png)}">""";
}
