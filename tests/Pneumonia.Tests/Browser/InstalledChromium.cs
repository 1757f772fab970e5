using Microsoft.Playwright;

namespace Convolve.Pneumonia.Tests.Browser;

/// <summary>
/// The installed Chromium, for tests that view a page as a reader does; use as a class fixture. It is started once
/// and downloads nothing. Without it, tests are skipped with a message.
/// </summary>
public sealed class InstalledChromium : IAsyncLifetime
{
    // Root cannot use the sandbox, and containers have little shared memory.
    private static readonly string[] arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"];

    private static readonly string[] names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private IPlaywright? playwright;
    private IBrowser? browser;
    private string missing = "the browser was not started";

    /// <summary>Skips the test if there is no browser.</summary>
    public void SkipIfMissing() => Skip.If(browser is null, missing);

    /// <summary>Opens a file as a page and waits until it has loaded.</summary>
    /// <param name="file">Path of a page.</param>
    /// <param name="width">Width of the window in CSS pixels.</param>
    /// <param name="dark">Whether the system is in dark mode.</param>
    /// <param name="scripts">Whether scripts may run.</param>
    public async Task<OpenedPage> OpenAsync(string file, int width = 1000, bool dark = false, bool scripts = true)
    {
        SkipIfMissing();
        var context = await browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = 844 },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            JavaScriptEnabled = scripts,
        });
        return await OpenedPage.OfAsync(context, new Uri(Path.GetFullPath(file)));
    }

    public async Task InitializeAsync()
    {
        if (Executable() is not { } path)
        {
            missing = "no Chromium here; install Debian's package chromium";
            return;
        }
        try
        {
            playwright = await Playwright.CreateAsync();
            browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = path, Args = arguments });
        }
        catch (Exception e) when (e is PlaywrightException or System.ComponentModel.Win32Exception or IOException)
        {
            missing = $"{path} cannot be driven here: {e.Message.ReplaceLineEndings(" ")}";
        }
    }

    public async Task DisposeAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
    }

    private static string? Executable() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Where(folder => folder.Length > 0)
        .SelectMany(folder => names.Select(name => Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name)))
        .FirstOrDefault(File.Exists);
}
