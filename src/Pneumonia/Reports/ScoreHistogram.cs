using System.Net;
using System.Text;

namespace Convolve.Pneumonia.Reports;

/// <summary>
/// How probabilities are spread over the images of two classes, as inline SVG: those of the positive class stand upward, the others hang
/// downward. Lengths grow with the square root of the count, so that the few doubtful images show beside the many clear ones.
/// </summary>
/// <param name="Title">What it shows.</param>
/// <param name="Upward">Name of the positive class and the probabilities of its images.</param>
/// <param name="Downward">The same of the other class.</param>
/// <param name="Threshold">The chosen threshold, or null.</param>
public sealed record ScoreHistogram(string Title, (string Name, double[] Probabilities) Upward, (string Name, double[] Probabilities) Downward, double? Threshold)
{
    private const int Bins = 20;
    private const int Width = 440, Height = 300, Left = 66, Right = 14, Top = 34, Bottom = 44;

    // Space for the counts beyond the ends of the bars.
    private const int Label = 14;

    public string ToSvg()
    {
        int[] up = Count(Upward.Probabilities), down = Count(Downward.Probabilities);
        double largest = Math.Max(1, Math.Max(up.Max(), down.Max())), middle = (Top + Height - Bottom) / 2.0;
        double room = middle - Top - Label, step = (Width - Left - Right) / (double)Bins;
        double X(double probability) => Left + probability * (Width - Left - Right);
        double Length(int count) => room * Math.Sqrt(count / largest);

        var svg = new StringBuilder();
        string title = WebUtility.HtmlEncode(Title);
        svg.Append($"<svg class=\"chart\" viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{title}\">");
        svg.Append($"<text class=\"title\" x=\"{Left}\" y=\"18\">{title}</text>");
        for (int bin = 0; bin < Bins; bin++)
        {
            double x = Left + bin * step + 1;
            Bar("line1", up[bin], middle - Length(up[bin]), middle - Length(up[bin]) - 4);
            Bar("line0", down[bin], middle, middle + Length(down[bin]) + 12);

            void Bar(string style, int count, double y, double textY)
            {
                if (count == 0) return;
                svg.Append($"<rect class=\"{style}\" x=\"{x:F1}\" y=\"{y:F1}\" width=\"{step - 2:F1}\" height=\"{Length(count):F1}\"/>");
                svg.Append($"<text class=\"count\" text-anchor=\"middle\" x=\"{x + step / 2 - 1:F1}\" y=\"{textY:F1}\">{count}</text>");
            }
        }
        svg.Append($"<line class=\"axis\" x1=\"{Left}\" x2=\"{Width - Right}\" y1=\"{middle:F1}\" y2=\"{middle:F1}\"/>");
        for (int tick = 0; tick <= 5; tick++)
            svg.Append($"<text class=\"tick\" text-anchor=\"middle\" x=\"{X(tick / 5.0):F1}\" y=\"{Height - Bottom + 16}\">{tick / 5.0:0.#}</text>");
        svg.Append($"<text class=\"tick\" text-anchor=\"middle\" x=\"{(Left + Width - Right) / 2}\" y=\"{Height - 8}\">probability of {WebUtility.HtmlEncode(Upward.Name)}</text>");
        Side("line1", Upward.Name, (Top + middle) / 2);
        Side("line0", Downward.Name, (middle + Height - Bottom) / 2);
        if (Threshold is { } threshold)
        {
            bool rightHalf = threshold > 0.5;
            svg.Append($"<line class=\"mark\" x1=\"{X(threshold):F1}\" x2=\"{X(threshold):F1}\" y1=\"{Top}\" y2=\"{Height - Bottom}\"/>");
            svg.Append($"<text class=\"tick\" text-anchor=\"{(rightHalf ? "end" : "start")}\" x=\"{X(threshold) + (rightHalf ? -5 : 5):F1}\" y=\"{Top + 8}\">threshold {threshold:F3}</text>");
        }
        return svg.Append("</svg>").ToString();

        void Side(string style, string name, double y) =>
            svg.Append($"<text class=\"{style}\" text-anchor=\"middle\" transform=\"rotate(-90 {Left - 22} {y:F1})\" x=\"{Left - 22}\" y=\"{y:F1}\">{WebUtility.HtmlEncode(name)}</text>");
    }

    private static int[] Count(double[] probabilities)
    {
        var counts = new int[Bins];
        foreach (double p in probabilities) counts[Math.Min((int)(p * Bins), Bins - 1)]++;
        return counts;
    }
}
