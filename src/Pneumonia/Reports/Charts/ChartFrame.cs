using Convolve.Pneumonia.Pages;

namespace Convolve.Pneumonia.Reports;

/// <summary>What the charts of a page have in common: their size, their margins and their title.</summary>
internal static class ChartFrame
{
    public const int Width = 440, Height = 300;

    /// <summary>Margins around the area between the axes.</summary>
    public const int Left = 66, Right = 14, Top = 34, Bottom = 44;

    /// <summary>A chart for a page whose style sheet knows the class <c>chart</c>.</summary>
    /// <param name="title">Its title, also read to those who cannot see it.</param>
    /// <param name="elements">SVG inside the frame.</param>
    public static Html Of(string title, IEnumerable<Html> elements) =>
        $"""<svg class="chart" viewBox="0 0 {Width} {Height}" role="img" aria-label="{title}">"""
            + $"""<text class="title" x="{Left}" y="18">{title}</text>{Html.Concat(elements)}</svg>""";
}
