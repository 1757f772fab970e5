namespace Convolve.Pneumonia.Tests.Browser;

/// <summary>The page checks detect faulty pages.</summary>
public sealed class OpenedPageTests(InstalledChromium chromium) : IClassFixture<InstalledChromium>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private Task<OpenedPage> Open(string body) =>
        chromium.OpenAsync(folder.Add("page.html", $"<!doctype html><title>x</title><body>{body}</body>"), width: 390);

    [SkippableFact]
    public async Task FaultsOfAPageAreSeen()
    {
        await using var page = await Open("<p style='color:#999;background:#888'>pale</p><p style='width:600px'>wide</p>"
            + "<svg><text fill='#eee' y='9'>faint</text></svg><img src='missing.png' alt=''><script>console.error('loud'); throw new "
            + "Error('thrown')</script>");
        Assert.Contains(await page.LowContrastAsync(), line => line.EndsWith("pale", StringComparison.Ordinal));
        Assert.Contains(await page.LowContrastAsync(), line => line.EndsWith("faint", StringComparison.Ordinal));
        Assert.Contains(await page.OverflowAsync(), line => line.EndsWith("wide", StringComparison.Ordinal));
        Assert.Contains(page.Errors, line => line.Contains("loud"));
        Assert.Contains(page.Errors, line => line.Contains("thrown"));
        Assert.EndsWith("missing.png", Assert.Single(page.Requests));
    }

    [SkippableFact]
    public async Task APageWithoutFaultsHasNone()
    {
        await using var page = await Open("<p>plain</p><div style='overflow-x:auto'><p style='width:600px'>scrolls</p></div>");
        Assert.Empty(await page.LowContrastAsync());
        Assert.Empty(await page.OverflowAsync());
        Assert.Empty(page.Errors);
        Assert.Empty(page.Requests);
    }
}
