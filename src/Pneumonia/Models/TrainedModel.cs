using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>A trained network with the meaning of its outputs.</summary>
/// <param name="Network">The network, on its device.</param>
/// <param name="Classes">Names of the classes in the order of its outputs; of two, the positive one is second.</param>
/// <param name="Input">How an image becomes its input.</param>
/// <param name="Labels">Where the classes come from.</param>
/// <param name="Threshold">The decision threshold chosen on validation images; null if unknown.</param>
public sealed record TrainedModel(
    Sequential Network, IReadOnlyList<string> Classes, ImagePreprocessing Input, LabelScheme Labels, double? Threshold = null) : IDisposable
{
    // The limit of --pixels: a description of a kilobyte could declare images that do not fit into memory.
    private const int MostPixels = 4096;

    /// <summary>Whether its file names its classes; otherwise they have numbers, or names from the user or a data folder.</summary>
    public bool NamesClasses { get; init; } = true;

    /// <summary>The positive one of two classes; null with more, and before <see cref="WithPositive"/>.</summary>
    public PositiveClass? Positive { get; private init; }

    /// <summary>Names of the classes in the order of scored predictions: of two, the positive one is second.</summary>
    public IReadOnlyList<string> ScoredClasses => Positive?.Name == Classes[0] ? [Classes[1], Classes[0]] : Classes;

    /// <summary>Predictions of the network in the order of <see cref="ScoredClasses"/>.</summary>
    public Predictions Scored(Predictions predictions) => Positive?.Name != Classes[0] ? predictions : predictions with
    {
        TrueClasses = [.. predictions.TrueClasses.Select(c => 1 - c)],
        Probabilities = [.. predictions.Probabilities.Select(p => new[] { p[1], p[0] })],
    };

    /// <summary>The prediction for each image that has one, by its index in the source.</summary>
    /// <param name="predictions">Predictions in the order of <see cref="ScoredClasses"/>.</param>
    public Dictionary<int, ImagePrediction> ByImage(Predictions predictions) =>
        predictions.Indices.Zip(predictions.Probabilities, (index, p) => (index, ImagePrediction.Of(ScoredClasses, p, Threshold)))
            .ToDictionary();

    /// <summary>Index of the output for a class; −1 if there is no such class.</summary>
    public int OutputOf(string name) => Array.IndexOf([.. Classes], name);

    /// <summary>The same model with names for the classes that its file does not name.</summary>
    /// <param name="classes">The names, in the order of its outputs.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="UserError">The file names other classes, or their number differs.</exception>
    public TrainedModel WithClasses(IReadOnlyList<string> classes, string source)
    {
        if (NamesClasses && !Classes.SequenceEqual(classes))
            throw new UserError($"--classes {string.Join(',', classes)}: {source} already names its classes: "
                + $"{string.Join(", ", Classes)}; leave --classes out");
        if (classes.Count != Classes.Count)
            throw new UserError($"--classes {string.Join(',', classes)}: {source} has {Classes.Count} classes; give as many names");
        return this with { Classes = classes };
    }

    /// <summary>The same model with one of two classes as the positive one; unchanged for more classes.</summary>
    /// <param name="asked">The class that the user named; null for the one of the training or, in a file without class names, the one that
    /// their names suggest.</param>
    /// <exception cref="UserError">There is no such class.</exception>
    public TrainedModel WithPositive(string? asked)
    {
        if (PositiveClass.Of(Classes, asked) is not { } byName) return this;
        var chosen = asked is null && NamesClasses ? new PositiveClass(Classes[1], "as in its training", false) : byName;
        var note = chosen.Name == byName.Name || byName.IsGuess ? chosen.ToString()
            : $"{chosen}, though {byName.Reason["because ".Length..]}; --positive {byName.Name} swaps the figures";
        if (Threshold is not { } threshold || chosen.Name == Classes[1]) return this with { Positive = chosen, Remarks = [note] };
        return this with
        {
            Positive = chosen,
            Threshold = null,
            Remarks = [note, $"the threshold {threshold:F3} was chosen for {Classes[1]} and is not used"]
        };
    }

    /// <summary>Notes from <see cref="WithPositive"/> for the user, one line each.</summary>
    public IReadOnlyList<string> Remarks { get; private init; } = [];

    /// <summary>Loads the best checkpoint of a run on a device.</summary>
    /// <exception cref="UserError">The file is missing, broken, or does not belong to the run's metrics.</exception>
    public static TrainedModel LoadBest(string run, Metrics metrics, Engine.Devices.Device device)
    {
        var path = RunFolder.BestPath(run);
        var model = Load(path, device);
        if (model.Network.ParameterCount == metrics.Parameters) return model with { Threshold = metrics.Threshold };
        var found = model.Network.ParameterCount;
        model.Dispose();
        throw new UserError($"{path}: holds {found} parameters, {MetricsFile.FileName} beside it is of a model with {metrics.Parameters}; "
            + "put the run's own checkpoint back, or train the run again");
    }

    /// <summary>Loads a checkpoint on a device.</summary>
    /// <exception cref="UserError">The file is missing, broken or of another tool.</exception>
    public static TrainedModel Load(string path, Engine.Devices.Device device)
    {
        var checkpoint = Checkpoint.Read(path);
        var network = checkpoint.Build(device);
        var outputs = network.OutputShape.Length;
        ModelMetadata metadata;
        try
        {
            if (network.InputShape is not { Rank: 3 } image || image[0] > MostPixels || image[0] != image[1] || image[2] is not (1 or 3))
                throw new UserError(
                    $"{path}: takes inputs {network.InputShape}, not square images of up to {MostPixels} pixels, gray or in colour");
            metadata = ModelMetadata.Read(checkpoint, path, outputs);
        }
        catch { network.Dispose(); throw; }
        var input = new ImagePreprocessing(network.InputShape[0], network.InputShape[2], metadata.Resize, metadata.Preprocessing);
        return new TrainedModel(network, metadata.Classes ?? Numbers(outputs), input, metadata.Labels, metadata.Threshold)
        {
            NamesClasses = metadata.Classes is not null,
        };
    }

    /// <summary>Loads a whole model of any tool on a device: a checkpoint, or the weights of a known network.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pixels">Width and height of its images; null for the file's own size, or one that its tensors allow.</param>
    /// <param name="preprocessing">Preprocessing; null for the file's own or known one, else 0 … 1.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="terminal">Receives notes on assumptions.</param>
    /// <exception cref="WeightFileException">The file is missing or broken.</exception>
    /// <exception cref="UserError">It holds no such model.</exception>
    public static TrainedModel LoadAny(string path, int? pixels, Preprocessing? preprocessing, Engine.Devices.Device device,
        Terminal terminal)
    {
        var file = WeightFile.Read(path);
        if (Checkpoint.Is(file))
        {
            var model = Load(path, device);
            var own = model.Input;
            var differs = (pixels ?? own.Pixels) != own.Pixels || (preprocessing ?? own.Kind) != own.Kind;
            if (!differs) return model;
            model.Dispose();
            throw new UserError($"{path}: already says that its images have {own.Pixels} pixels and are prepared by "
                + $"{own.Kind.ToString().ToLowerInvariant()}; leave --pixels and --preprocessing out");
        }
        var converted = file with { Layout = TensorLayout.Convolve, Tensors = ConvolveLayout.Of(file) };
        var network = KnownNetworks.Of(converted, pixels)
            ?? throw new UserError($"{path}: does not hold a complete model that is known "
                + $"here{(pixels is null ? "" : $" for images of {pixels} pixels")}: it must be a checkpoint "
                + $"of Convolve, or all weights of {string.Join(", ", Enum.GetNames<ModelKind>().Select(name => name.ToLowerInvariant()))} "
                + $"and nothing else");
        if (preprocessing is { } asked && asked.IsForColours() && network.InputShape[2] == 1)
            throw new UserError(
                $"--preprocessing {asked.ToString().ToLowerInvariant()}: is for colours, and {path} reads gray images; leave it out");
        var origin = preprocessing is null ? WeightOrigin.Of(file, network.InputShape[2]) : null;
        network.Initialize(device, 0);
        new PretrainedWeights(converted, network.Layers).Load();
        // This project's networks with batch normalization are trained on standardized images.
        var usual = network.Layers.Any(layer => layer is BatchNormalization) ? Preprocessing.Standardize : Preprocessing.Rescale;
        var assumed = preprocessing ?? origin?.Preprocessing ?? usual;
        terminal.Note($"{path}: does not describe its model; taken for one of {network.ParameterCount:N0} parameters on images of "
            + $"{network.InputShape[0]} pixels, "
            + (preprocessing is null && origin is null ? WeightOrigin.Guess(assumed)
                : $"prepared by {assumed.ToString().ToLowerInvariant()}{(origin is null ? "" : $", because {origin.Reason}")}")
            + " (--pixels, --preprocessing)");
        var input = new ImagePreprocessing(network.InputShape[0], network.InputShape[2], Kind: assumed);
        return new TrainedModel(network, Numbers(network.OutputShape.Length), input, LabelScheme.Folders) { NamesClasses = false };
    }

    private static string[] Numbers(int outputs) => [.. Enumerable.Range(0, Classification.Classes(outputs)).Select(number => $"{number}")];

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();
}
