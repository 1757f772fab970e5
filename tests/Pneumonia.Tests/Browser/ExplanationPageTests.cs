using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Tests.Explanations;
using Convolve.Pneumonia.Tests.Shell;
using Microsoft.Playwright;

namespace Convolve.Pneumonia.Tests.Browser;

/// <summary>The page of an explanation in a browser, and its arithmetic compared with the engine's.</summary>
[Collection(OnADevice.Name)]
public sealed class ExplanationPageTests(InstalledChromium chromium) : IClassFixture<InstalledChromium>, IDisposable
{
    // Widths of a phone and of a window, in CSS pixels.
    private const int Phone = 390, Window = 1000;

    // The largest relative difference over all units of all stages of all images, and the number of units.
    private const string EveryUnit = """
        () => {
          let worst = 0, units = 0;
          explorer.data.images.forEach((_, image) => {
            for (const stage of explorer.data.stages) {
              if (!explorer.canCompute(stage, image)) continue;
              const [height, width] = explorer.sizes(stage.shape);
              for (const channel of explorer.channelsOf(stage))
                for (let row = 0; row < height; row++)
                  for (let column = 0; column < width; column++) {
                    const unit = explorer.compute(image, stage, channel, row, column);
                    worst = Math.max(worst, unit.difference / Math.max(1, Math.abs(unit.engine)));
                    if (Number.isNaN(unit.difference)) worst = Infinity;
                    units++;
                  }
            }
          });
          return [worst, units];
        }
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // Waits until the page has computed its numbers.
    private async Task<OpenedPage> OpenAsync(string file, int width, bool dark = false)
    {
        var page = await chromium.OpenAsync(file, width, dark);
        await page.Page.EvaluateAsync("() => explorer.ready");
        return page;
    }

    private string Written(SmallNetwork small, ExplorerData limits, int images = 2)
    {
        string[] classes = [.. Enumerable.Range(0, Classification.Classes(small.Network.OutputShape.Length)).Select(c => $"<b>&\" {c}")];
        ExplainedImage[] explained = [.. Enumerable.Range(1, images).Select(i =>
        {
            var pixels = small.Image(i);
            using var input = NetworkInput.Of(small.Network, pixels, PixelScaling.Rescale);
            var outputs = small.Network.Trace(input);
            var map = GradCam.Of(small.Network, input, 1);
            return new ExplainedImage($"{i}.png", $"image </script> {i}", pixels, SmallNetwork.Height, input.ToArray(), outputs,
                Classification.Probabilities(outputs[^1]), 1, map, map, map);
        })];
        Figure[] figures =
            [new("Grad-CAM", "Where it found evidence for the class.", GradCam.Draw(explained[0].Pixels, explained[0].GradCam!))];
        var page = new ExplanationPage($"runs/{new string('a', 60)}&{new string('b', 60)}", classes, explained,
            [.. explained.Select(_ => figures)], figures, limits.Of(small.Network, explained));
        return folder.Add(ExplanationPage.FileName, System.Text.Encoding.UTF8.GetBytes(page.ToHtml()));
    }

    [SkippableTheory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public async Task EveryNumberIsTheEngines(int outputs, bool global)
    {
        using var small = new SmallNetwork(outputs, global, SmallNetwork.Height);
        await using var page = await OpenAsync(Written(small, ExplorerData.Whole), Window);
        var answer = await page.Page.EvaluateAsync<double[]>(EveryUnit);
        Assert.Equal(2 * small.Network.Stages().Where(stage => !stage.KeepsValues).Sum(stage => stage.OutputShape.Length), (int)answer[1]);
        Assert.InRange(answer[0], 0, 1e-5);
        Assert.Empty(page.Errors);
    }

    // The page contains the difference between the engine's numbers and those that it computes.
    [SkippableTheory]
    [InlineData(1, false)]
    [InlineData(3, true)]
    public async Task TheEnginesNumbersArriveToTheBit(int outputs, bool global)
    {
        using var small = new SmallNetwork(outputs, global, SmallNetwork.Height);
        await using var page = await OpenAsync(Written(small, ExplorerData.Whole), Window);
        using var input = NetworkInput.Of(small.Network, small.Image(2), PixelScaling.Rescale);
        var expected = small.Network.Trace(input);
        var repeated = await page.Page.EvaluateAsync<string[]>("() => explorer.data.stages.filter(stage => stage.repeated).map(stage => "
            + "stage.name)");
        Assert.Equal(6, repeated.Length);
        var stages = small.Network.Stages();
        for (var s = 0; s < stages.Count; s++)
        {
            if (stages[s].KeepsValues) continue;
            var arrived = await page.Page.EvaluateAsync<double[]>($"() => [...explorer.values(1, {s})]");
            Assert.Equal(expected[s], arrived.Select(value => (float)value));
        }
        Assert.Equal(input.ToArray(),
            (await page.Page.EvaluateAsync<double[]>("() => [...explorer.values(1, -1)]")).Select(value => (float)value));
    }

    [SkippableTheory]
    [InlineData(Phone, false)]
    [InlineData(Phone, true)]
    [InlineData(Window, true)]
    public async Task ItFitsReadsWellAndAsksForNothing(int width, bool dark)
    {
        using var small = new SmallNetwork(1, global: false, SmallNetwork.Height);
        await using var page = await OpenAsync(Written(small, ExplorerData.Whole), width, dark);
        var layers = page.Page.Locator("#explorer-layer");
        for (var stage = 0; stage < await layers.Locator("option").CountAsync(); stage++)
        {
            await layers.SelectOptionAsync($"{stage}");
            Assert.Empty(await page.OverflowAsync());
            Assert.Empty(await page.LowContrastAsync());
        }
        await page.Page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = Media.Print });
        Assert.Empty(await page.OverflowAsync());
        Assert.Empty(page.Errors);
        Assert.Empty(page.Requests);
    }

    [SkippableFact]
    public async Task LayerChannelAndPlaceArePicked()
    {
        using var small = new SmallNetwork(1, global: true, SmallNetwork.Height);
        await using var page = await OpenAsync(Written(small, ExplorerData.Whole), Window);
        var inside = page.Page;
        await inside.SelectOptionAsync("#explorer-image-choice", "1");
        await inside.SelectOptionAsync("#explorer-layer", "2");
        await inside.ClickAsync("#explorer-channels button[data-channel='4']");
        Assert.Equal("4", await inside.InputValueAsync("#explorer-channel"));
        await inside.ClickAsync("#explorer-map", new PageClickOptions { Position = new Position { X = 1, Y = 1 } });
        Assert.Equal(("0", "0"), (await inside.InputValueAsync("#explorer-row"), await inside.InputValueAsync("#explorer-column")));
        // The corner of a same-padded convolution covers five positions of padding, and, with the pooling before it, the first four by four
        // pixels and two more.
        Assert.Equal(5, await inside.Locator("#explorer-terms figure").First.Locator("td.padding").CountAsync());
        Assert.Contains("folded in", await inside.InnerTextAsync("#explorer-folded"));
        Assert.Contains("rows 0 to 5, columns 0 to 5", await inside.InnerTextAsync("#explorer-field"));
        var shown = double.Parse(await inside.InnerTextAsync("#explorer-engine"), System.Globalization.CultureInfo.InvariantCulture);
        var engine = await inside.EvaluateAsync<double>("() => explorer.values(1, explorer.data.stages[2].output)[4]");
        Assert.Equal(engine, shown, 1e-6 * Math.Max(1, Math.Abs(engine)));
        await inside.FillAsync("#explorer-row", "3");
        await inside.Locator("#explorer-row").BlurAsync();
        Assert.Contains("rows 4 to 11", await inside.InnerTextAsync("#explorer-field"));
        await inside.SelectOptionAsync("#explorer-layer", "1");
        Assert.Contains("largest value", await inside.InnerTextAsync("#explorer-terms"));
        // Names that look like markup are shown literally.
        Assert.Contains("Explained class: <b>&\" 1.", await inside.InnerTextAsync("main"));
        Assert.Equal("image </script> 2", await inside.InnerTextAsync("#explorer-image-choice option[value='1']"));
        Assert.Equal(0, await inside.Locator("b").CountAsync());
        Assert.Empty(page.Errors);
    }

    [SkippableFact]
    public async Task WhatIsTooMuchIsLeftOutAndSaid()
    {
        using var small = new SmallNetwork(1, global: false, SmallNetwork.Height);
        await using var page = await OpenAsync(Written(small, new ExplorerData(100, 800), images: 1), Phone);
        Assert.Contains("not embedded", await page.Page.InnerTextAsync("#explorer-layer"));
        var included = await page.Page.EvaluateAsync<bool[]>("() => explorer.data.stages.map(stage => stage.included)");
        Assert.False(included[0]);
        Assert.True(included[^1]);
        var answer = await page.Page.EvaluateAsync<double[]>(EveryUnit);
        Assert.InRange(answer[1], 1, small.Network.Stages().Sum(stage => stage.OutputShape.Length) - 1);
        Assert.InRange(answer[0], 0, 1e-5);
        Assert.Empty(page.Errors);
    }
}
