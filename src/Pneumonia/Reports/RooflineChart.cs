using System.Globalization;
using System.Net;
using System.Text;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Layers.Measurement;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// A roofline as SVG: operations per byte to the right, operations a second upwards, both by powers of ten; the roof is what the device can do,
/// and each layer that computes stands below it with its forward pass (a disc) and its backward pass (a ring), numbered as in the table.
/// </summary>
/// <param name="Device">The device's name.</param>
/// <param name="Roofline">Its roof.</param>
/// <param name="Layers">The measured layers in order.</param>
public sealed record RooflineChart(string Device, Roofline Roofline, IReadOnlyList<MeasuredLayer> Layers)
{
    private const int Width = 720, PlotHeight = 420, Left = 64, Right = 28, Top = 56, Bottom = 48, LegendRow = 18, LegendColumns = 3;

    // Half the width of a figure, so that numbers of neighbours do not cover the points.
    private const double LabelShift = 9;

    /// <summary>The picture for a page whose style sheet knows the class <c>chart</c>.</summary>
    public string ToSvg() => Draw("");

    /// <summary>The picture as a file of its own, light or dark as the reader's system is.</summary>
    public string ToFile() => Draw($"<style>{Style}</style>").Replace("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", StringComparison.Ordinal);

    private string Draw(string style)
    {
        (int Number, MeasuredLayer Layer)[] computing = [.. Layers.Select((layer, i) => (i + 1, layer)).Where(pair => pair.layer.Forward.Flops > 0)];
        (int Number, MeasuredPass Pass, string Kind, string Name)[] points =
        [
            .. computing.SelectMany(pair => new[]
            {
                (pair.Number, pair.Layer.Forward, "forward", pair.Layer.Name), (pair.Number, pair.Layer.Backward, "backward", pair.Layer.Name),
            }).Where(point => point.Item2.Gigaflops > 0),
        ];
        (double x0, double x1) = Decades([Roofline.Ridge, .. points.Select(point => point.Pass.Intensity)]);
        (double y0, double y1) = Decades([Roofline.Gigaflops, .. points.Select(point => point.Pass.Gigaflops)]);
        double X(double value) => Left + (Math.Log10(value) - x0) / (x1 - x0) * (Width - Left - Right);
        double Y(double value) => PlotHeight - Bottom - (Math.Log10(value) - y0) / (y1 - y0) * (PlotHeight - Top - Bottom);

        int height = PlotHeight + LegendRow * ((computing.Length + LegendColumns - 1) / LegendColumns) + 8;
        var svg = new StringBuilder();
        string title = $"Roofline of {Device}";
        svg.Append($"<svg class=\"chart roofline\" viewBox=\"0 0 {Width} {height}\" role=\"img\" aria-label=\"{Encoded(title)}\">{style}");
        svg.Append($"<rect class=\"paper\" width=\"{Width}\" height=\"{height}\"/><text class=\"title\" x=\"{Left}\" y=\"18\">{Encoded(title)}</text>");
        svg.Append($"<text x=\"{Left}\" y=\"36\">peak {Roofline.Gigaflops:N0} GFLOP/s, memory {Roofline.GigabytesPerSecond:N1} GB/s, "
            + $"both limit at {Roofline.Ridge:N1} operations per byte</text>");
        svg.Append($"<text text-anchor=\"end\" x=\"{Width - Right}\" y=\"36\">disc: forward, ring: backward</text>");
        for (double decade = y0; decade <= y1; decade++)
        {
            double y = Y(Math.Pow(10, decade));
            svg.Append($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{F(y)}\" y2=\"{F(y)}\"/>");
            svg.Append($"<text text-anchor=\"end\" x=\"{Left - 6}\" y=\"{F(y + 4)}\">{Tick(decade)}</text>");
        }
        for (double decade = x0; decade <= x1; decade++)
        {
            double x = X(Math.Pow(10, decade));
            svg.Append($"<line class=\"grid\" x1=\"{F(x)}\" x2=\"{F(x)}\" y1=\"{Top}\" y2=\"{PlotHeight - Bottom}\"/>");
            svg.Append($"<text text-anchor=\"middle\" x=\"{F(x)}\" y=\"{PlotHeight - Bottom + 16}\">{Tick(decade)}</text>");
        }
        svg.Append($"<text text-anchor=\"middle\" x=\"{(Left + Width - Right) / 2}\" y=\"{PlotHeight - 12}\">operations per byte</text>");
        svg.Append($"<text text-anchor=\"middle\" transform=\"rotate(-90 14 {PlotHeight / 2})\" x=\"14\" y=\"{PlotHeight / 2}\">GFLOP/s</text>");
        // Where the slope enters the picture, from the left or from below.
        double first = Math.Max(Math.Pow(10, x0), Math.Pow(10, y0) / Roofline.GigabytesPerSecond);
        svg.Append($"<path class=\"line0\" d=\"M{F(X(first))} {F(Y(Roofline.Roof(first)))}L{F(X(Roofline.Ridge))} {F(Y(Roofline.Gigaflops))}H{Width - Right}\"/>");
        foreach ((int number, MeasuredPass pass, string kind, string name) in points)
        {
            (double x, double y) = (X(pass.Intensity), Y(pass.Gigaflops));
            svg.Append($"<circle class=\"{kind}\" cx=\"{F(x)}\" cy=\"{F(y)}\" r=\"4\"><title>{Encoded(name)}, {kind}: {pass.Milliseconds:N3} ms, {pass.Gigaflops:N1} GFLOP/s, "
                + $"{pass.Intensity:N1} operations per byte</title></circle>");
            svg.Append($"<text x=\"{F(x + (kind == "forward" ? LabelShift - 3 : -LabelShift))}\" y=\"{F(y - 5)}\" text-anchor=\"{(kind == "forward" ? "start" : "middle")}\">{number}</text>");
        }
        for (int i = 0; i < computing.Length; i++)
        {
            int column = i % LegendColumns, row = i / LegendColumns;
            svg.Append($"<text x=\"{Left + column * (Width - Left - Right) / LegendColumns}\" y=\"{PlotHeight + 10 + LegendRow * row}\">"
                + $"{computing[i].Number} {Encoded(computing[i].Layer.Name)}</text>");
        }
        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>The powers of ten that enclose all values.</summary>
    private static (double Low, double High) Decades(IReadOnlyList<double> values)
    {
        double low = Math.Floor(Math.Log10(values.Min())), high = Math.Ceiling(Math.Log10(values.Max()));
        return high > low ? (low, high) : (low, low + 1);
    }

    private static string Tick(double decade) => Math.Pow(10, decade).ToString(decade < 0 ? $"F{-decade:0}" : "N0", CultureInfo.InvariantCulture);

    private static string F(double value) => value.ToString("F1", CultureInfo.InvariantCulture);

    private static string Encoded(string text) => WebUtility.HtmlEncode(text);

    private const string Style = """
        svg{font:13px system-ui,sans-serif}
        .paper{fill:#fff}text{fill:#5b6470}.title{fill:#1b1f24;font-weight:600}.grid{stroke:#dde1e6}
        .line0{fill:none;stroke:#0b66c3;stroke-width:2}circle{stroke:#c2410c;stroke-width:1.5}.forward{fill:#c2410c}.backward{fill:none}
        @media (prefers-color-scheme:dark){.paper{fill:#14171a}text{fill:#9aa4af}.title{fill:#e8eaed}.grid{stroke:#2d333a}
        .line0{stroke:#6cb2f7}circle{stroke:#ff9d66}.forward{fill:#ff9d66}}
        """;
}
