using System.Text.Json.Nodes;
using Convolve.Pneumonia.Pages;

namespace Convolve.Pneumonia.Tests.Pages;

public sealed class HtmlTests
{
    private const string Hostile = "<b>&\"'";

    [Fact]
    public void TextAndNumbersInHolesAreEscapedAndMarkupIsNot()
    {
        Html inner = $"<i>{Hostile}</i>";
        Html outer = $"""<p title="{Hostile}">{inner}{0.26:F1}{'<'}{(string?)null}{1234.5:N1}</p>""";
        Assert.Equal("<p title=\"&lt;b&gt;&amp;&quot;&#39;\"><i>&lt;b&gt;&amp;&quot;&#39;</i>0.3&lt;1,234.5</p>", outer.ToString());
    }

    [Fact]
    public void PartsFollowEachOther()
    {
        var items = Html.Each(["a", "<"], item => $"<li>{item}</li>");
        Assert.Equal("<li>a</li><li>&lt;</li><br>", Html.Concat([items, Html.Empty, $"<br>"]).ToString());
        Assert.Equal("", Html.Empty.ToString());
    }

    [Fact]
    public void ATemplateNeedsAllItsPlaces()
    {
        Assert.Throws<KeyNotFoundException>(() => Html.FromTemplate("page.html", new Dictionary<string, Html>()));
        Assert.Throws<FileNotFoundException>(() => Html.FromFile("nowhere.css"));
    }

    [Fact]
    public void JsonDoesNotEndItsScript()
    {
        var json = Html.Json(new JsonObject { ["name"] = $"</script>{Hostile}" }).ToString();
        Assert.DoesNotContain("<", json);
        Assert.Equal($"</script>{Hostile}", (string?)JsonNode.Parse(json)!["name"]);
    }
}
