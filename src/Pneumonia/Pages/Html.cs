using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convolve.Pneumonia.Pages;

/// <summary>
/// HTML or SVG, written as an interpolated string: <c>Html cell = $"&lt;td&gt;{name}&lt;/td&gt;"</c>. The string itself is markup. Text and
/// numbers in its holes are escaped, so they are safe between tags and in quoted attributes. HTML in a hole goes in as it is.
/// </summary>
/// <remarks>
/// Nothing turns a string into HTML, and other types in a hole do not compile. The compiler calls the constructor and the Append methods.
/// </remarks>
[InterpolatedStringHandler]
public readonly struct Html
{
    // The default encoder writes six characters for each + of base64.
    private static readonly JsonSerializerOptions plainJson = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly StringBuilder? text;

    /// <summary>Starts an interpolated string.</summary>
    /// <param name="literalLength">Characters outside the holes.</param>
    /// <param name="formattedCount">Number of holes.</param>
    public Html(int literalLength, int formattedCount) => text = new StringBuilder(literalLength + 16 * formattedCount);

    private Html(StringBuilder text) => this.text = text;

    /// <summary>Nothing.</summary>
    public static Html Empty => default;

    /// <summary>Appends markup of the interpolated string itself.</summary>
    public void AppendLiteral(string markup) => text!.Append(markup);

    /// <summary>Appends text, escaped.</summary>
    public void AppendFormatted(string? value) => text!.Append(WebUtility.HtmlEncode(value));

    /// <summary>Appends a number or another value that is formatted without a culture, escaped.</summary>
    public void AppendFormatted<T>(T value, string? format = null) where T : IFormattable =>
        AppendFormatted(value.ToString(format, CultureInfo.InvariantCulture));

    /// <summary>Appends HTML as it is.</summary>
    public void AppendFormatted(Html value) => text!.Append(value.text);

    /// <summary>All parts, one after the other.</summary>
    public static Html Concat(IEnumerable<Html> parts)
    {
        var all = new StringBuilder();
        foreach (var part in parts) all.Append(part.text);
        return new Html(all);
    }

    /// <summary>The HTML of each item, one after the other.</summary>
    public static Html Each<T>(IEnumerable<T> items, Func<T, Html> of) => Concat(items.Select(of));

    /// <summary>A style sheet, a script or a piece of a page that is a file of this program.</summary>
    /// <param name="file">The file's name; a line break at its end is left out.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static Html FromFile(string file) => new(new StringBuilder(Read(file)));

    /// <summary>A file of this program whose places <c>{{name}}</c> are filled.</summary>
    /// <param name="file">The file's name.</param>
    /// <param name="content">What goes in, by the name of the place.</param>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="KeyNotFoundException">The file has a place of another name.</exception>
    public static Html FromTemplate(string file, IReadOnlyDictionary<string, Html> content)
    {
        var page = new StringBuilder();
        var pieces = Read(file).Split("{{");
        page.Append(pieces[0]);
        foreach (var piece in pieces.Skip(1))
        {
            var end = piece.IndexOf("}}", StringComparison.Ordinal);
            page.Append(content[piece[..end]].text).Append(piece, end + 2, piece.Length - end - 2);
        }
        return new Html(page);
    }

    /// <summary>JSON for a script element. No text in it ends the script, as it holds no <c>&lt;</c>.</summary>
    public static Html Json(JsonNode data) => new(new StringBuilder(data.ToJsonString(plainJson)).Replace("<", "\\u003c"));

    /// <inheritdoc/>
    public override string ToString() => text?.ToString() ?? "";

    private static string Read(string file)
    {
        using var stream = typeof(Html).Assembly.GetManifestResourceStream(file)
            ?? throw new FileNotFoundException($"{file}: no such file in this program");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().TrimEnd('\n');
    }
}
