using System.Globalization;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Layers.Measurement;
using Convolve.Pneumonia.Pages;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// A roofline as SVG: operations per byte to the right, operations a second upwards, both by powers of ten; the roof is what the device can
/// do, and each layer that computes stands below it with its forward pass (a disc) and its backward pass (a ring), numbered as in the
/// table.
/// </summary>
/// <param name="Device">The device's name.</param>
/// <param name="Roofline">Its roof.</param>
/// <param name="Layers">The measured layers in order.</param>
public sealed record RooflineChart(string Device, Roofline Roofline, IReadOnlyList<MeasuredLayer> Layers)
{
    private const int Width = 720, PlotHeight = 420, Left = 64, Right = 28, Top = 56, Bottom = 48, LegendRow = 18, LegendColumns = 3;

    // Half the width of a figure, so that numbers of neighbours do not cover the points.
    private const double LabelShift = 9;

    /// <summary>The picture as an SVG file, light or dark as the reader's system is.</summary>
    public string ToFile()
    {
        (int Number, MeasuredLayer Layer)[] computing =
            [.. Layers.Select((layer, i) => (i + 1, layer)).Where(pair => pair.layer.Forward.Flops > 0)];
        (int Number, MeasuredPass Pass, string Kind, string Name)[] points =
        [
            .. computing.SelectMany(pair => new[]
            {
                (pair.Number, pair.Layer.Forward, "forward", pair.Layer.Name),
                    (pair.Number, pair.Layer.Backward, "backward", pair.Layer.Name),
            }).Where(point => point.Item2.Gigaflops > 0),
        ];
        (var x0, var x1) = Decades([Roofline.Ridge, .. points.Select(point => point.Pass.Intensity)]);
        (var y0, var y1) = Decades([Roofline.Gigaflops, .. points.Select(point => point.Pass.Gigaflops)]);
        double X(double value) => Left + (Math.Log10(value) - x0) / (x1 - x0) * (Width - Left - Right);
        double Y(double value) => PlotHeight - Bottom - (Math.Log10(value) - y0) / (y1 - y0) * (PlotHeight - Top - Bottom);

        var height = PlotHeight + LegendRow * ((computing.Length + LegendColumns - 1) / LegendColumns) + 8;
        var title = $"Roofline of {Device}";
        Html svg = $"""
            <svg xmlns="http://www.w3.org/2000/svg" class="chart roofline" viewBox="0 0 {Width} {height}" role="img" aria-label="{title}">
            <style>{Html.FromFile("roofline.css")}</style>
            <rect class="paper" width="{Width}" height="{height}"/><text class="title" x="{Left}" y="18">{title}</text>
            {Html.Concat(Elements())}</svg>

            """;
        return svg.ToString();

        IEnumerable<Html> Elements()
        {
            const int Base = PlotHeight - Bottom, Centre = (Left + Width - Right) / 2, Middle = PlotHeight / 2;
            yield return $"""<text x="{Left}" y="36">peak {Roofline.Gigaflops:N0} GFLOP/s, memory {Roofline.GigabytesPerSecond:N1} GB/s, """
                + $"both limit at {Roofline.Ridge:N1} operations per byte</text>";
            yield return $"""<text text-anchor="end" x="{Width - Right}" y="36">disc: forward, ring: backward</text>""";
            for (var decade = y0; decade <= y1; decade++)
            {
                var y = Y(Math.Pow(10, decade));
                yield return $"""<line class="grid" x1="{Left}" x2="{Width - Right}" y1="{y:F1}" y2="{y:F1}"/>""";
                yield return $"""<text text-anchor="end" x="{Left - 6}" y="{y + 4:F1}">{Tick(decade)}</text>""";
            }
            for (var decade = x0; decade <= x1; decade++)
            {
                var x = X(Math.Pow(10, decade));
                yield return $"""<line class="grid" x1="{x:F1}" x2="{x:F1}" y1="{Top}" y2="{Base}"/>""";
                yield return $"""<text text-anchor="middle" x="{x:F1}" y="{Base + 16}">{Tick(decade)}</text>""";
            }
            yield return $"""<text text-anchor="middle" x="{Centre}" y="{PlotHeight - 12}">operations per byte</text>""";
            yield return $"""<text text-anchor="middle" transform="rotate(-90 14 {Middle})" x="14" y="{Middle}">GFLOP/s</text>""";
            // Where the slope enters the picture, from the left or from below.
            var first = Math.Max(Math.Pow(10, x0), Math.Pow(10, y0) / Roofline.GigabytesPerSecond);
            yield return $"""<path class="line0" d="M{X(first):F1} {Y(Roofline.Roof(first)):F1}"""
                + $"""L{X(Roofline.Ridge):F1} {Y(Roofline.Gigaflops):F1}H{Width - Right}"/>""";
            foreach ((var number, var pass, var kind, var name) in points)
            {
                (var x, var y) = (X(pass.Intensity), Y(pass.Gigaflops));
                (var anchor, var shift) = kind == "forward" ? ("start", LabelShift - 3) : ("middle", -LabelShift);
                yield return $"""<circle class="{kind}" cx="{x:F1}" cy="{y:F1}" r="4"><title>{name}, {kind}: {pass.Milliseconds:N3} ms, """
                    + $"{pass.Gigaflops:N1} GFLOP/s, {pass.Intensity:N1} operations per byte</title></circle>";
                yield return $"""<text x="{x + shift:F1}" y="{y - 5:F1}" text-anchor="{anchor}">{number}</text>""";
            }
            for (var i = 0; i < computing.Length; i++)
            {
                int x = Left + i % LegendColumns * (Width - Left - Right) / LegendColumns,
                    y = PlotHeight + 10 + LegendRow * (i / LegendColumns);
                yield return $"""<text x="{x}" y="{y}">{computing[i].Number} {computing[i].Layer.Name}</text>""";
            }
        }
    }

    /// <summary>The powers of ten that enclose all values.</summary>
    private static (double Low, double High) Decades(IReadOnlyList<double> values)
    {
        double low = Math.Floor(Math.Log10(values.Min())), high = Math.Ceiling(Math.Log10(values.Max()));
        return high > low ? (low, high) : (low, low + 1);
    }

    private static string Tick(double decade) =>
        Math.Pow(10, decade).ToString(decade < 0 ? $"F{-decade:0}" : "N0", CultureInfo.InvariantCulture);
}
