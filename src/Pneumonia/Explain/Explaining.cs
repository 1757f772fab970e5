using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Explain;

/// <summary>Settings of <c>explain</c>.</summary>
public sealed record ExplainSettings : ICheckedSettings
{
    /// <summary>Images and folders of images, at least one.</summary>
    [Arguments("IMAGE|FOLDER", "images, or folders of images", "no images; name images or folders of images")]
    public IReadOnlyList<string> Paths { get; init; } = [];

    [Group("is explained")]
    public ModelSource Model { get; init; } = new();

    /// <summary>Folder to write, or null.</summary>
    [Text("DIR", "folder to write (explain-TIMESTAMP in the run's folder)", "a folder")]
    public string? Out { get; init; }

    /// <summary>The layer for Grad-CAM and HiResCAM, or null.</summary>
    [Text("NAME", "layer whose output Grad-CAM and HiResCAM look at (the last of at least 12 by 12 units)", "a layer's name; summary "
        + "lists them")]
    public string? Layer { get; init; }

    /// <summary>The class to explain, or null for the one that the network predicts for each image.</summary>
    [Text("NAME", "class to explain (the one that the network calls the image)", "a class of the model")]
    public string? Class { get; init; }

    /// <summary>No limits.</summary>
    [Flag("every channel of every layer, and all values on the page, however large it gets")]
    public bool All { get; init; }

    [Device]
    public string Device { get; init; } = DeviceAttribute.Default;

    /// <summary>Seed of the noise that exciting inputs start from.</summary>
    [Seed]
    public int Seed { get; init; } = 1;

    [Json]
    public bool Json { get; init; }

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command) => NamedImages.RequireThere(Paths);
}

/// <summary>One image of <c>explain --json</c>.</summary>
/// <param name="Path">The image as it was named.</param>
/// <param name="Folder">Where its pictures are.</param>
/// <param name="Class">The class that is explained.</param>
/// <param name="Probability">Its probability.</param>
/// <param name="GradCamPeak">Column and row of the largest value; null without a map, or if it is zero everywhere.</param>
/// <param name="HiResCamPeak">The same for HiResCAM's map.</param>
/// <param name="OcclusionPeak">The same for the occlusion map.</param>
public sealed record ExplainedAnswer(
    string Path, string Folder, string Class, double Probability, int[]? GradCamPeak, int[]? HiResCamPeak, int[] OcclusionPeak);

/// <summary>The document of <c>explain --json</c>.</summary>
/// <param name="Page">The page.</param>
/// <param name="Layer">The layer of Grad-CAM and HiResCAM; null without one.</param>
public sealed record ExplainDocument(string Page, string? Layer, IReadOnlyList<ExplainedAnswer> Images);

/// <summary>Shows what a network does with images, as PNG files and one page.</summary>
public static class Explaining
{
    private const int MostChannels = 64, MostExciting = 8, SmallestPicture = 440;

    public static async Task<int> RunAsync(ExplainSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        (var paths, var notes) = NamedImages.Expand(settings.Paths);
        var metrics = settings.Model.Metrics();
        using var claim = settings.Out is null
            ? FolderClaim.OfUnused(Path.Combine(settings.Model.Run ?? "", $"explain-{DateTime.Now:yyyyMMdd-HHmmss}"))
            : FolderClaim.OfEmpty(settings.Out, "choose another folder");
        using var opened = OpenDevice.For(settings.Device);
        using var model = settings.Model.Load(metrics, opened.Device, terminal).WithPositive(null);
        var layer = LayerOf(model.Network, settings.Layer);
        int? chosen = settings.Class is null ? null : ClassOf(model, settings.Class);
        var store = await NamedImages.LoadAsync(paths, model.Classes, model.Input, cancellation);
        var usable = store.UsableIndices();
        if (usable.Length == 0)
            throw new UserError($"{paths[0]}: {store.ReasonOf(0)}" + (paths.Count == 1 ? ""
                : $"; the other {paths.Count - 1} cannot be read either: there is nothing to explain"));
        terminal.Notes([opened.Announcement, .. notes, .. store.Remarks, .. model.Remarks, settings.Model.Describe(model)]);
        if (layer is null) terminal.Note("no layer of this network has a spatial output, so there is no Grad-CAM and no HiResCAM");

        var names = Names(paths);
        var images = new List<ExplainedImage>();
        foreach (var i in usable)
        {
            cancellation.ThrowIfCancellationRequested();
            images.Add(Explain(model, store[i].ToArray(), paths[i], names[i], layer, chosen, cancellation));
        }
        Write(claim, settings, model, layer, images, cancellation);
        Tell(claim.Folder, settings, model, layer, images, terminal);
        foreach (var i in Enumerable.Range(0, paths.Count).Except(usable)) terminal.Error($"{paths[i]}: {store.ReasonOf(i)}");
        return usable.Length == paths.Count ? ExitCode.Done : ExitCode.BadUsage;
    }

    private static ExplainedImage Explain(
        TrainedModel model, byte[] pixels, string path, string name, int? layer, int? chosen, CancellationToken cancellation)
    {
        var network = model.Network;
        using var input = NetworkInput.Of(network, pixels, model.Input.Scaling);
        // The page shows the sum of products term by term. Winograd's algorithm multiplies other numbers, with several times the rounding
        // error.
        var outputs = network.Trace(input, Pass.Inference with { Algorithm = ConvolutionAlgorithm.Implicit });
        var probabilities = Classification.Probabilities(outputs[^1]);
        var explained = chosen ?? model.OutputOf(PredictionOf(model, probabilities).Verdict);
        var evidence = layer is { } at ? LayerEvidence.Of("explain", network, input, explained, at) : null;
        return new ExplainedImage(path, name, pixels, model.Input.Pixels, input.ToArray(), outputs, probabilities, explained,
            evidence is null ? null : GradCam.Of(evidence),
            evidence is null ? null : HiResCam.Of(evidence),
            Occlusion.For(model.Input.Pixels).Of(network, pixels, model.Input.Scaling, explained, cancellation));
    }

    private static ImagePrediction PredictionOf(TrainedModel model, double[] probabilities) =>
        ImagePrediction.Of(model.Classes, probabilities, model.Threshold, model.Positive?.Name);

    // Published when complete, so that no partial explanation is visible.
    private static void Write(
        FolderClaim claim, ExplainSettings settings, TrainedModel model, int? layer, IReadOnlyList<ExplainedImage> images,
        CancellationToken cancellation)
    {
        var unfinished = claim.Unfinished;
        var figures = NetworkFigures(unfinished, settings, model, images[0], cancellation);
        var ofImages = new List<IReadOnlyList<Figure>>();
        foreach (var image in images)
        {
            cancellation.ThrowIfCancellationRequested();
            WriteActivations(Path.Combine(unfinished, image.Name, "activations"), settings, model.Network, image);
            ofImages.Add(ImageFigures(Path.Combine(unfinished, image.Name), model, layer, image));
        }
        var page = new ExplanationPage(settings.Model.Name, model.Classes, images, ofImages, figures,
            (settings.All ? ExplorerData.Whole : ExplorerData.Limited).Of(model.Network, images))
        { Threshold = model.Threshold, Positive = model.Positive?.Name };
        OutputFile.WriteText(Path.Combine(unfinished, ExplanationPage.FileName), page.ToHtml());
        claim.Publish(ExplanationPage.FileName);
    }

    private static List<Figure> NetworkFigures(
        string folder, ExplainSettings settings, TrainedModel model, ExplainedImage first, CancellationToken cancellation)
    {
        var figures = new List<Figure>();
        if (FilterSheet.Draw(model.Network) is { } filters)
            figures.Add(Written(folder, "filters.png", "Filters of the first layer", "Zero is middle gray; positive weights are brighter, "
                + "negative ones darker.", filters));
        var exciting = new ExcitingInput(model.Network, model.Input.Scaling, settings.Seed);
        var stages = model.Network.Stages();
        for (var s = 0; s < stages.Count; s++)
        {
            if (stages[s].Layer is not Conv2D) continue;
            var channels = ChannelChoice.Of(first.Outputs[s], stages[s].OutputShape[2], settings.All ? null : MostExciting);
            var png = ExcitingSheet.Draw(model.Network, stages[s].End - 1, exciting.For(stages[s].End - 1, channels, cancellation));
            figures.Add(Written(folder, $"exciting-{s + 1:D2}-{stages[s].Name}.png", $"Inputs that most excite {stages[s].Name}",
                $"Channels {string.Join(", ", channels)}: noise, moved along the gradient of the channel's mean.", png));
        }
        return figures;
    }

    private static List<Figure> ImageFigures(string folder, TrainedModel model, int? layer, ExplainedImage image)
    {
        var zoom = Math.Max(1, (SmallestPicture + image.Side - 1) / image.Side);
        var name = model.Classes[image.ClassIndex];
        var gray = image.Gray;
        var xray = new Picture(image.Side * zoom, image.Side * zoom);
        xray.Draw(0, 0, image.Pixels, image.Side, zoom);
        var figures = new List<Figure>
        {
            Written(folder, "xray.png", "The image", $"At the size of the network's input: {image.Side} × {image.Side} pixels.",
                xray.ToPng()),
        };
        if (image.GradCam is { } map && layer is { } at)
        {
            figures.Add(Written(folder, "grad-cam.png", "Grad-CAM", map.Largest > 0
                    ? $"Where {model.Network.Layers[at].Name} found evidence for {name}."
                    : $"{model.Network.Layers[at].Name} found no evidence for {name}.",
                HeatPicture.WithScale(gray, map, HeatScale.UpTo(map.Largest), zoom).ToPng()));
        }
        if (image.HiResCam is { } added && layer is { } looked)
        {
            figures.Add(Written(folder, "hires-cam.png", "HiResCAM", added.Largest > 0
                    ? $"What each position of {model.Network.Layers[looked].Name} adds to the score of {name}, by its own gradient "
                        + "instead of the channel's mean."
                    : $"No position of {model.Network.Layers[looked].Name} adds to the score of {name}.",
                HeatPicture.WithScale(gray, added, HeatScale.UpTo(added.Largest), zoom).ToPng()));
        }
        figures.Add(Written(folder, "occlusion.png", "Occlusion",
            $"How much the score of {name}, a logit, falls where a square covers the picture; blue where it rises.",
            HeatPicture.WithScale(gray, image.Occlusion, HeatScale.Around(image.Occlusion.LargestMagnitude), zoom).ToPng()));
        figures.Add(Written(folder, "receptive-fields.png", "Receptive fields", "What the middle unit of each layer sees, from the first "
            + "(blue) to the last (orange).",
            FieldPicture.Over(gray, image.Side, model.Network, zoom).ToPng()));
        return figures;
    }

    private static void WriteActivations(string folder, ExplainSettings settings, Sequential network, ExplainedImage image)
    {
        var stages = network.Stages();
        for (var s = 0; s < stages.Count; s++)
        {
            if (stages[s].KeepsValues) continue;
            var shape = stages[s].OutputShape;
            var channels = ChannelChoice.Of(image.Outputs[s], shape[^1], settings.All ? null : MostChannels);
            OutputFile.Write(Path.Combine(folder, $"{s + 1:D2}-{stages[s].Name}.png"),
                ActivationGrid.Draw(image.Outputs[s], shape, channels));
        }
    }

    private static Figure Written(string folder, string file, string title, string caption, byte[] png)
    {
        OutputFile.Write(Path.Combine(folder, file), png);
        return new Figure(title, caption, png);
    }

    private static void Tell(string output, ExplainSettings settings, TrainedModel model, int? layer, IReadOnlyList<ExplainedImage> images,
        Terminal terminal)
    {
        var page = Path.Combine(output, ExplanationPage.FileName);
        if (settings.Json)
        {
            terminal.WriteJson(new ExplainDocument(page, layer is { } at ? model.Network.Layers[at].Name : null,
            [
                .. images.Select(image => new ExplainedAnswer(image.Path, Path.Combine(output, image.Name), model.Classes[image.ClassIndex],
                    image.Probabilities[image.ClassIndex], PeakOf(image.GradCam), PeakOf(image.HiResCam),
                        [image.Occlusion.Peak.X, image.Occlusion.Peak.Y])),
            ]));
            return;
        }
        foreach (var image in images)
            terminal.Results.WriteLine($"{Terminal.OneLine(image.Path)}: {PredictionOf(model, image.Probabilities)}; explained: "
                + $"{model.Classes[image.ClassIndex]}");
        terminal.Results.WriteLine($"page: {page}");
        terminal.Results.WriteLine(Terminal.NotForClinicalUse);
    }

    private static int[]? PeakOf(HeatMap? map) => map is { Largest: > 0, Peak: var (x, y) } ? [x, y] : null;

    private static int? LayerOf(Sequential network, string? name)
    {
        if (name is null) return GradCam.DefaultLayer(network);
        var at = network.Layers.ToList().FindIndex(layer => layer.Name == name);
        if (at >= 0 && network.Layers[at].OutputShape.Rank == 3) return at;
        string[] pictures = [.. network.Layers.Where(layer => layer.OutputShape.Rank == 3).Select(layer => layer.Name)];
        throw new UserError($"--layer {name}: the model has no layer of this name with a spatial output; "
            + (pictures.Length > 0 ? $"choose among {string.Join(", ", pictures)}" : "none of its layers has one"));
    }

    private static int ClassOf(TrainedModel model, string name)
    {
        for (var c = 0; c < model.Classes.Count; c++)
            if (string.Equals(model.Classes[c], name, StringComparison.OrdinalIgnoreCase)) return c;
        throw new UserError($"--class {name}: is not a class of the model; its classes are {string.Join(", ", model.Classes)}");
    }

    // The files' own names, numbered if two are equal or if one is the page's name.
    private static string[] Names(IReadOnlyList<string> paths)
    {
        var taken = new HashSet<string>([ExplanationPage.FileName], StringComparer.OrdinalIgnoreCase);
        var names = new string[paths.Count];
        for (var i = 0; i < names.Length; i++)
        {
            var name = Path.GetFileNameWithoutExtension(paths[i]);
            if (name.All(c => c == '.')) name = "image";
            names[i] = name;
            for (var n = 2; !taken.Add(names[i]); n++) names[i] = $"{name}-{n}";
        }
        return names;
    }
}
