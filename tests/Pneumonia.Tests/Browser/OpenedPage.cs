using System.Diagnostics;
using Microsoft.Playwright;

namespace Convolve.Pneumonia.Tests.Browser;

/// <summary>A page in its own window, with its requests and console messages since it was opened.</summary>
public sealed class OpenedPage : IAsyncDisposable
{
    // The background of every text, blended over those of all elements around it, and what WCAG 2.2 (1.4.3) requires:
    // a contrast of 4.5, or 3 for large text. The colour of SVG text is its fill.
    private const string LowContrastScript = """
        () => {
          const parse = text => { const n = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0]; return [n[0], n[1], n[2], n[3] ?? 1]; };
          const over = (front, back) => [0, 1, 2].map(i => front[i] * front[3] + back[i] * (1 - front[3])).concat(1);
          const luminance = c => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
            const v = c[i] / 255; return sum + weight * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); }, 0);
          const canvas = matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
          const backgroundOf = element => {
            const layers = [];
            for (let e = element; e; e = e.parentElement) layers.push(parse(getComputedStyle(e).backgroundColor));
            return layers.reverse().reduce((back, front) => over(front, back), canvas);
          };
          const bad = [];
          for (const element of document.querySelectorAll('body *')) {
            if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
            if (!element.getClientRects().length) continue;
            const style = getComputedStyle(element);
            if (style.visibility === 'hidden') continue;
            const back = backgroundOf(element), text = over(parse(element instanceof SVGElement ? style.fill : style.color), back);
            const [a, b] = [luminance(text), luminance(back)], ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
            if (ratio < (large ? 3 : 4.5)) bad.push(`${ratio.toFixed(2)}: ${element.textContent.trim().slice(0, 60)}`);
          }
          return bad;
        }
        """;

    // Elements that extend beyond the right edge of the window, except inside elements that scroll.
    private const string OverflowScript = """
        () => {
          const width = document.documentElement.clientWidth, bad = [];
          if (document.documentElement.scrollWidth > width) bad.push(`the page is ${document.documentElement.scrollWidth} wide`);
          const scrolls = e => {
            for (let p = e.parentElement; p; p = p.parentElement)
              if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return true;
            return false;
          };
          for (const e of document.querySelectorAll('body *'))
            if (e.getBoundingClientRect().right > width + 1 && !scrolls(e))
              bad.push(`${e.tagName} ${e.getAttribute('class') ?? ''} ${e.textContent.trim().slice(0, 40)}`);
          return bad;
        }
        """;

    private readonly IBrowserContext context;
    private readonly List<string> errors = [], requests = [];

    private OpenedPage(IBrowserContext context, IPage page, Uri address)
    {
        this.context = context;
        Page = page;
        page.Console += (_, message) => { if (message.Type is "error" or "warning") errors.Add(message.Text); };
        page.PageError += (_, message) => errors.Add(message);
        page.Request += (_, request) =>
        {
            if (request.Url != address.AbsoluteUri && !request.Url.StartsWith("data:", StringComparison.Ordinal)) requests.Add(request.Url);
        };
    }

    /// <summary>The page itself, to click and query.</summary>
    public IPage Page { get; }

    /// <summary>Errors and warnings on the page's console, and uncaught exceptions.</summary>
    public IReadOnlyList<string> Errors => errors;

    /// <summary>Everything fetched in addition to the page itself.</summary>
    public IReadOnlyList<string> Requests => requests;

    /// <summary>Time from opening to loaded.</summary>
    public TimeSpan Opening { get; private set; }

    public static async Task<OpenedPage> OfAsync(IBrowserContext context, Uri address)
    {
        var opened = new OpenedPage(context, await context.NewPageAsync(), address);
        var start = Stopwatch.GetTimestamp();
        await opened.Page.GotoAsync(address.AbsoluteUri, new PageGotoOptions { WaitUntil = WaitUntilState.Load });
        opened.Opening = Stopwatch.GetElapsedTime(start);
        return opened;
    }

    /// <summary>Elements that extend beyond the right edge of the window, one line each; should be empty.</summary>
    public Task<string[]> OverflowAsync() => Page.EvaluateAsync<string[]>(OverflowScript);

    /// <summary>Texts with too little contrast to their background (WCAG 2.2, 1.4.3), with their contrast; should be empty.</summary>
    public Task<string[]> LowContrastAsync() => Page.EvaluateAsync<string[]>(LowContrastScript);

    /// <summary>Writes a screenshot of the whole page.</summary>
    public Task ScreenshotAsync(string file) => Page.ScreenshotAsync(new PageScreenshotOptions { Path = file, FullPage = true });

    public async ValueTask DisposeAsync() => await context.DisposeAsync();
}
