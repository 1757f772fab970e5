using Convolve.Pneumonia.Pages;
using static Convolve.Pneumonia.Reports.ChartFrame;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// Two histograms of predicted probabilities as inline SVG: bars of the positive class point up, those of the other class down. Lengths
/// grow with the square root of the count, so that a few uncertain images are visible beside many clear ones.
/// </summary>
/// <param name="Title">What it shows.</param>
/// <param name="Upward">Name of the positive class and the probabilities of its images.</param>
/// <param name="Downward">The same of the other class.</param>
/// <param name="Threshold">The chosen threshold, or null.</param>
public sealed record ScoreHistogram(
    string Title, (string Name, double[] Probabilities) Upward, (string Name, double[] Probabilities) Downward, double? Threshold)
{
    private const int Bins = 20;

    // Space for the counts beyond the ends of the bars.
    private const int Label = 14;

    /// <summary>The chart for a page whose style sheet knows the class <c>chart</c>.</summary>
    public Html ToSvg() => ChartFrame.Of(Title, Elements());

    private IEnumerable<Html> Elements()
    {
        int[] up = Count(Upward.Probabilities), down = Count(Downward.Probabilities);
        double largest = Math.Max(1, Math.Max(up.Max(), down.Max())), middle = (Top + Height - Bottom) / 2.0;
        double room = middle - Top - Label, step = (Width - Left - Right) / (double)Bins;
        double X(double probability) => Left + probability * (Width - Left - Right);
        double Length(int count) => room * Math.Sqrt(count / largest);

        for (var bin = 0; bin < Bins; bin++)
        {
            var x = Left + bin * step + 1;
            yield return Bar("line1", up[bin], middle - Length(up[bin]), middle - Length(up[bin]) - 4);
            yield return Bar("line0", down[bin], middle, middle + Length(down[bin]) + 12);

            Html Bar(string style, int count, double y, double textY) => count == 0 ? Html.Empty
                : $"""<rect class="{style}" x="{x:F1}" y="{y:F1}" width="{step - 2:F1}" height="{Length(count):F1}"/>"""
                    + $"""<text class="count" text-anchor="middle" x="{x + step / 2 - 1:F1}" y="{textY:F1}">{count}</text>""";
        }
        const int Base = Height - Bottom, Centre = (Left + Width - Right) / 2;
        yield return $"""<line class="axis" x1="{Left}" x2="{Width - Right}" y1="{middle:F1}" y2="{middle:F1}"/>""";
        for (var tick = 0; tick <= 5; tick++)
            yield return $"""<text class="tick" text-anchor="middle" x="{X(tick / 5.0):F1}" y="{Base + 16}">{tick / 5.0:0.#}</text>""";
        var axis = $"predicted probability of {Upward.Name}";
        yield return $"""<text class="tick" text-anchor="middle" x="{Centre}" y="{Height - 8}">{axis}</text>""";
        yield return Side("line1", Upward.Name, (Top + middle) / 2);
        yield return Side("line0", Downward.Name, (middle + Base) / 2);
        if (Threshold is { } threshold)
        {
            (var anchor, var shift) = threshold > 0.5 ? ("end", -5) : ("start", 5);
            yield return $"""<line class="mark" x1="{X(threshold):F1}" x2="{X(threshold):F1}" y1="{Top}" y2="{Base}"/>""";
            var caption = $"threshold {threshold:F3}";
            yield return $"""<text class="tick" text-anchor="{anchor}" x="{X(threshold) + shift:F1}" y="{Top + 8}">{caption}</text>""";
        }

        static Html Side(string style, string name, double y)
        {
            const int X = Left - 22;
            return $"""<text class="{style}" text-anchor="middle" transform="rotate(-90 {X} {y:F1})" x="{X}" y="{y:F1}">{name}</text>""";
        }
    }

    private static int[] Count(double[] probabilities)
    {
        var counts = new int[Bins];
        foreach (var p in probabilities) counts[Math.Min((int)(p * Bins), Bins - 1)]++;
        return counts;
    }
}
