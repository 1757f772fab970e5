using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Pages;

/// <summary>
/// A page as one file that needs nothing else: light or dark as the reader's system is, and readable on a phone and on paper.
/// </summary>
/// <param name="Kind">The class of its main element, for style sheets.</param>
/// <param name="Title">The title in the browser's tab, before the program's name.</param>
/// <param name="Style">Its own style sheets, after the one of all pages. They set --width, --inset, --leading, --soft and --rule.</param>
/// <param name="Main">Its content.</param>
/// <param name="Footer">What follows the warning against clinical use at its end.</param>
internal sealed record Page(string Kind, string Title, Html Style, Html Main, string Footer)
{
    /// <summary>Script elements after the content.</summary>
    public Html Scripts { get; init; }

    /// <summary>The whole document.</summary>
    public string ToHtml() => Html.FromTemplate("page.html", new Dictionary<string, Html>
    {
        ["kind"] = $"{Kind}",
        ["title"] = $"{Title}",
        ["style"] = $"{Html.FromFile("page.css")}{Style}",
        ["main"] = Main,
        ["warning"] = $"{Terminal.NotForClinicalUse}",
        ["footer"] = $"{Footer}",
        ["scripts"] = Scripts,
    }).ToString();
}
