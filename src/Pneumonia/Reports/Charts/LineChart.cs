using System.Text;
using Convolve.Pneumonia.Pages;
using static Convolve.Pneumonia.Reports.ChartFrame;

namespace Convolve.Pneumonia.Reports;

/// <summary>One line of a chart; points that are not finite leave a gap.</summary>
public sealed record ChartLine(string Name, IReadOnlyList<(double X, double Y)> Points)
{
    /// <summary>How much each point stands for: the area of its dot. Null for a line without dots.</summary>
    public IReadOnlyList<double>? Weights { get; init; }

    /// <summary>A point on the line to tell apart, and its caption.</summary>
    public (double X, double Y, string Caption)? Point { get; init; }
}

/// <summary>A line chart as inline SVG that takes its colours from the page, so that it follows light and dark.</summary>
public sealed record LineChart(string Title, string XLabel, string YLabel, IReadOnlyList<ChartLine> Lines)
{
    /// <summary>Lines that have a colour of their own.</summary>
    public const int LineStyles = 3;

    private const double LargestDot = 9, SmallestDot = 2;
    // At the type size of a page's charts.
    private const int LetterWidth = 7, LetterHeight = 11;

    /// <summary>Lowest and highest value of the axis; null to follow the points.</summary>
    public (double Low, double High)? XRange { get; init; }

    /// <inheritdoc cref="XRange"/>
    public (double Low, double High)? YRange { get; init; }

    /// <summary>An x value to mark with a vertical line, and its caption.</summary>
    public (double X, string Caption)? Mark { get; init; }

    /// <summary>Whether x counts something, so that nothing between two whole numbers is labelled.</summary>
    public bool XIsWhole { get; init; }

    /// <summary>Draws the diagonal from the lower left to the upper right corner, as chance on a ROC curve.</summary>
    public bool Diagonal { get; init; }

    /// <summary>A y value to mark with a horizontal line, and its caption.</summary>
    public (double Y, string Caption)? Level { get; init; }

    /// <summary>The chart for a page whose style sheet knows the class <c>chart</c>.</summary>
    /// <exception cref="ArgumentException">There are more lines than <see cref="LineStyles"/>.</exception>
    public Html ToSvg()
    {
        if (Lines.Count > LineStyles)
            throw new ArgumentException($"chart {Title}: {Lines.Count} lines, but only {LineStyles} can be told apart");
        return ChartFrame.Of(Title, Elements());
    }

    private IEnumerable<Html> Elements()
    {
        (var x0, var x1) = XRange ?? Range(line => line.X);
        (var y0, var y1) = YRange ?? Range(line => line.Y);
        double X(double x) => Left + (x - x0) / (x1 - x0) * (Width - Left - Right);
        double Y(double y) => Height - Bottom - (y - y0) / (y1 - y0) * (Height - Top - Bottom);

        foreach (var tick in Ticks(y0, y1))
        {
            yield return $"""<line class="grid" x1="{Left}" x2="{Width - Right}" y1="{Y(tick):F1}" y2="{Y(tick):F1}"/>""";
            yield return $"""<text class="tick" text-anchor="end" x="{Left - 6}" y="{Y(tick) + 4:F1}">{Label(tick)}</text>""";
        }
        const int Below = Height - Bottom + 16, Centre = (Left + Width - Right) / 2, Middle = Height / 2;
        foreach (var tick in Ticks(x0, x1).Where(tick => !XIsWhole || double.IsInteger(tick)))
            yield return $"""<text class="tick" text-anchor="middle" x="{X(tick):F1}" y="{Below}">{Label(tick)}</text>""";
        yield return $"""<text class="tick" text-anchor="middle" x="{Centre}" y="{Height - 8}">{XLabel}</text>""";
        yield return $"""<text class="tick" text-anchor="middle" transform="rotate(-90 12 {Middle})" x="12" y="{Middle}">{YLabel}</text>""";
        if (Diagonal) yield return $"""<line class="mark" x1="{X(x0):F1}" y1="{Y(y0):F1}" x2="{X(x1):F1}" y2="{Y(y1):F1}"/>""";
        if (Level is { } level)
        {
            yield return $"""<line class="mark" x1="{Left}" x2="{Width - Right}" y1="{Y(level.Y):F1}" y2="{Y(level.Y):F1}"/>""";
            yield return $"""<text class="tick" x="{Left + 6}" y="{Y(level.Y) - 5:F1}">{level.Caption}</text>""";
        }
        if (Mark is { } mark)
        {
            var at = X(mark.X);
            (var anchor, var shift) = at > Width / 2 ? ("end", -5) : ("start", 5);
            var y = LinesAreHigh(mark.X, (y0 + y1) / 2) ? Height - Bottom - 6 : Top + 11;
            yield return $"""<line class="mark" x1="{at:F1}" x2="{at:F1}" y1="{Top}" y2="{Height - Bottom}"/>""";
            yield return $"""<text class="tick" text-anchor="{anchor}" x="{at + shift:F1}" y="{y}">{mark.Caption}</text>""";
        }
        var legend = Width - Right;
        for (var l = Lines.Count - 1; l >= 0; l--)
        {
            var line = Lines[l];
            yield return Path(line, StyleOf(l), X, Y);
            yield return Dots(line, l, X, Y);
            yield return Point(line, l, X, Y);
            // One line needs no name, the title says what it is.
            if (Lines.Count == 1) continue;
            var sample = legend - LetterWidth * line.Name.Length - 6;
            yield return $"""<path class="{StyleOf(l)}" d="M{sample - 18} 14H{sample}"/>""";
            yield return $"""<text class="line{l}" text-anchor="end" x="{legend}" y="18">{line.Name}</text>""";
            legend = sample - 32;
        }
    }

    private static string Label(double tick) => $"{Math.Round(tick, 4) + 0.0:0.####}";

    // The first of several lines is dashed, so that a copy without colours still tells them apart.
    private string StyleOf(int line) => line == 0 && Lines.Count > 1 ? "line0 dashed" : $"line{line}";

    private static Html Dots(ChartLine line, int number, Func<double, double> x, Func<double, double> y)
    {
        if (line.Weights is not { Count: > 0 } weights) return Html.Empty;
        var largest = weights.Max();
        return Html.Each(line.Points.Zip(weights).Where(dot => double.IsFinite(dot.First.X) && double.IsFinite(dot.First.Y)), dot =>
        {
            var radius = Math.Max(SmallestDot, LargestDot * Math.Sqrt(dot.Second / largest));
            return $"""<circle class="line{number} soft" cx="{x(dot.First.X):F1}" cy="{y(dot.First.Y):F1}" r="{radius:F1}"/>""";
        });
    }

    private Html Point(ChartLine line, int number, Func<double, double> x, Func<double, double> y)
    {
        if (line.Point is not { } point || !double.IsFinite(point.X) || !double.IsFinite(point.Y)) return Html.Empty;
        (var textX, var textY, var toTheLeft) = PlaceBeside(x(point.X), y(point.Y), point.Caption, x, y);
        var anchor = toTheLeft ? "end" : "start";
        return $"""<circle class="line{number} point" cx="{x(point.X):F1}" cy="{y(point.Y):F1}" r="5"/>"""
            + $"""<text class="line{number}" text-anchor="{anchor}" x="{textX:F1}" y="{textY:F1}">{point.Caption}</text>""";
    }

    // The corner of a point, inside the chart, where the fewest lines run through its caption.
    private (double X, double Y, bool ToTheLeft) PlaceBeside(double px, double py, string caption, Func<double, double> x,
        Func<double, double> y)
    {
        double width = LetterWidth * caption.Length;
        (double X, double Y, bool ToTheLeft)[] corners =
        [
            (px + 10, py + 18, false), (px - 10, py + 18, true), (px + 10, py - 9, false), (px - 10, py - 9, true),
        ];
        return corners.Where(IsInside).DefaultIfEmpty(px < Width / 2 ? corners[0] : corners[1]).MinBy(Crossings);

        bool IsInside((double X, double Y, bool ToTheLeft) at) =>
            at.Y - LetterHeight >= Top && at.Y <= Height - Bottom && (at.ToTheLeft ? at.X - width >= Left : at.X + width <= Width - Right);

        // The length of the lines inside the caption, in steps of a pixel.
        int Crossings((double X, double Y, bool ToTheLeft) at)
        {
            var left = at.ToTheLeft ? at.X - width : at.X;
            var crossings = 0;
            foreach (var line in Lines)
                for (var i = 1; i < line.Points.Count; i++)
                {
                    (var x0, var y0, var x1, var y1) =
                        (x(line.Points[i - 1].X), y(line.Points[i - 1].Y), x(line.Points[i].X), y(line.Points[i].Y));
                    var steps = (int)Math.Min(Math.Ceiling(Math.Max(Math.Abs(x1 - x0), Math.Abs(y1 - y0))), Width + Height);
                    for (var step = 1; step <= steps; step++)
                    {
                        double atX = x0 + (x1 - x0) * step / steps, atY = y0 + (y1 - y0) * step / steps;
                        if (atX >= left && atX <= left + width && atY >= at.Y - LetterHeight && atY <= at.Y + 3) crossings++;
                    }
                }
            return crossings;
        }
    }

    private static Html Path(ChartLine line, string style, Func<double, double> x, Func<double, double> y)
    {
        var path = new StringBuilder();
        var pen = false;
        (double X, double Y)? only = null;
        var finite = 0;
        foreach ((var px, var py) in line.Points)
        {
            if (!double.IsFinite(px) || !double.IsFinite(py)) { pen = false; continue; }
            path.Append($"{(pen ? 'L' : 'M')}{x(px):F1} {y(py):F1}");
            (pen, only) = (true, (px, py));
            finite++;
        }
        Html drawn = $"""<path class="{style}" d="{path.ToString()}"/>""";
        return finite == 1 && line.Weights is null
            ? $"""{drawn}<circle class="{style}" cx="{x(only!.Value.X):F1}" cy="{y(only.Value.Y):F1}" r="3"/>"""
            : drawn;
    }

    private (double, double) Range(Func<(double X, double Y), double> of)
    {
        double[] values =
            [.. Lines.SelectMany(line => line.Points).Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y)).Select(of)];
        if (values.Length == 0) return (0, 1);
        double low = values.Min(), high = values.Max();
        // Around a single value of any size, so that its neighbours are numbers of their own.
        var margin = Math.Max(0.5, Math.Abs(low) / 2);
        return high > low ? (low, high) : (low - margin, high + margin);
    }

    // Whether the caption of the mark would lie on the lines at the top of the chart.
    private bool LinesAreHigh(double x, double middle) => Lines.Where(line => line.Points.Count > 0)
        .Select(line => line.Points.MinBy(point => Math.Abs(point.X - x)).Y)
        .Where(double.IsFinite).DefaultIfEmpty(middle).Average() > middle;

    // About five round values: multiples of 1, 2 or 5 times a power of ten.
    private static IEnumerable<double> Ticks(double low, double high)
    {
        double rough = (high - low) / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        var step = power * (rough / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        // Counted in a whole number: beyond 2⁵³ a double no longer grows by one.
        var first = Math.Ceiling(low / step - 1e-9);
        for (var n = 0; n <= 10 && (first + n) * step <= high + step * 1e-9; n++)
            yield return (first + n) * step + 0.0; // + 0.0 turns −0 into 0
    }
}
