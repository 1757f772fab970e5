using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Tests.Reports;

namespace Convolve.Pneumonia.Tests.Browser;

/// <summary>The training report in a browser.</summary>
public sealed class ReportPageTests(InstalledChromium chromium) : IClassFixture<InstalledChromium>, IDisposable
{
    // Widths of a phone and of a window, in CSS pixels.
    private const int Phone = 390, Window = 1000;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private string Written()
    {
        TrainingReport.Write(folder.Path, MadeRuns.Summary(MadeRuns.Metrics()));
        return Path.Combine(folder.Path, RunFolder.ReportName);
    }

    [SkippableTheory]
    [InlineData(Phone, false, true)]
    [InlineData(Phone, true, false)]
    [InlineData(Window, false, false)]
    [InlineData(Window, true, true)]
    public async Task ItFitsReadsWellAndAsksForNothing(int width, bool dark, bool scripts)
    {
        await using var page = await chromium.OpenAsync(Written(), width, dark, scripts);
        Assert.Empty(page.Errors);
        Assert.Empty(page.Requests);
        Assert.Empty(await page.OverflowAsync());
        Assert.Empty(await page.LowContrastAsync());
        Assert.Contains("AUC", await page.Page.Locator("h1").InnerTextAsync());
    }
}
