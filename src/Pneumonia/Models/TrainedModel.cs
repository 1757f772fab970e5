using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Scores;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Train;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Models;

/// <summary>A trained network with what its answers mean.</summary>
/// <param name="Network">The network, on its device.</param>
/// <param name="Classes">Names of the classes in the order of its outputs; of two, the positive one comes second.</param>
/// <param name="Input">How an image becomes its input.</param>
/// <param name="Labels">Where the classes come from.</param>
/// <param name="Threshold">The probability that its validation images chose; null where nothing says it.</param>
public sealed record TrainedModel(
    Sequential Network, IReadOnlyList<string> Classes, ImagePreprocessing Input, LabelScheme Labels, double? Threshold = null) : IDisposable
{
    // As many as --pixels may say: a description of a kilobyte may speak of images that no memory holds.
    private const int MostPixels = 4096;

    /// <summary>Whether its file says what its classes are called; else they bear their numbers, or names that the user or a data folder gave.</summary>
    public bool NamesClasses { get; init; } = true;

    /// <summary>The positive one of two classes; null with more, and until <see cref="WithPositive"/> has chosen it.</summary>
    public PositiveClass? Positive { get; private init; }

    /// <summary>Names of the classes in the order in which predictions are scored: of two, the positive one comes second.</summary>
    public IReadOnlyList<string> ScoredClasses => Positive?.Name == Classes[0] ? [Classes[1], Classes[0]] : Classes;

    /// <summary>Predictions of the network in the order of <see cref="ScoredClasses"/>.</summary>
    public Predictions Scored(Predictions predictions) => Positive?.Name != Classes[0] ? predictions : predictions with
    {
        TrueClasses = [.. predictions.TrueClasses.Select(c => 1 - c)],
        Probabilities = [.. predictions.Probabilities.Select(p => new[] { p[1], p[0] })],
    };

    /// <summary>What the network predicts for each image of which there is a prediction, by its index in the source.</summary>
    /// <param name="predictions">Predictions in the order of <see cref="ScoredClasses"/>.</param>
    public Dictionary<int, ImagePrediction> ByImage(Predictions predictions) =>
        predictions.Indices.Zip(predictions.Probabilities, (index, p) => (index, ImagePrediction.Of(ScoredClasses, p, Threshold))).ToDictionary();

    /// <summary>The output, counted from 0, that tells of a class; −1 where there is none of that name.</summary>
    public int OutputOf(string name) => Array.IndexOf([.. Classes], name);

    /// <summary>The same model with names for the classes that its file does not name.</summary>
    /// <param name="classes">The names, in the order of its outputs.</param>
    /// <param name="source">The file, for messages.</param>
    /// <exception cref="UserError">The file names them otherwise, or there are not as many.</exception>
    public TrainedModel WithClasses(IReadOnlyList<string> classes, string source)
    {
        if (NamesClasses && !Classes.SequenceEqual(classes))
            throw new UserError($"--classes {string.Join(',', classes)}: {source} says itself that its classes are {string.Join(", ", Classes)}; leave --classes out");
        if (classes.Count != Classes.Count)
            throw new UserError($"--classes {string.Join(',', classes)}: {source} tells {Classes.Count} classes apart; give as many names");
        return this with { Classes = classes };
    }

    /// <summary>The same model with one of two classes as the positive one; with more it stays as it is.</summary>
    /// <param name="asked">The class that the user asked for, or null for the one that training took or, in a file that names no classes, their names speak for.</param>
    /// <exception cref="UserError">There is no such class.</exception>
    public TrainedModel WithPositive(string? asked)
    {
        if (PositiveClass.Of(Classes, asked) is not { } byName) return this;
        PositiveClass chosen = asked is null && NamesClasses ? new PositiveClass(Classes[1], "as in its training", false) : byName;
        string note = chosen.Name == byName.Name || byName.IsGuess ? chosen.ToString()
            : $"{chosen}, though {byName.Reason["for ".Length..]}; --positive {byName.Name} turns the figures round";
        if (Threshold is not { } threshold || chosen.Name == Classes[1]) return this with { Positive = chosen, Remarks = [note] };
        return this with { Positive = chosen, Threshold = null, Remarks = [note, $"the threshold {threshold:F3} was chosen for {Classes[1]} and is not used"] };
    }

    /// <summary>What <see cref="WithPositive"/> concluded, for the user to know: one line each.</summary>
    public IReadOnlyList<string> Remarks { get; private init; } = [];

    /// <summary>Reads the best checkpoint of a run onto a device.</summary>
    /// <exception cref="UserError">The file is missing, broken, or not the one that the run's figures belong to.</exception>
    public static TrainedModel LoadBest(string run, Metrics metrics, Engine.Devices.Device device)
    {
        string path = RunFolder.BestPath(run);
        TrainedModel model = Load(path, device);
        if (model.Network.ParameterCount == metrics.Parameters) return model with { Threshold = metrics.Threshold };
        long found = model.Network.ParameterCount;
        model.Dispose();
        throw new UserError($"{path}: holds {found} parameters, {MetricsFile.FileName} beside it is of a model with {metrics.Parameters}; "
            + "put the run's own checkpoint back, or train the run again");
    }

    /// <summary>Reads a checkpoint onto a device.</summary>
    /// <exception cref="UserError">The file is missing, broken or of another tool.</exception>
    public static TrainedModel Load(string path, Engine.Devices.Device device)
    {
        Checkpoint checkpoint = Checkpoint.Read(path);
        Sequential network = checkpoint.Build(device);
        int outputs = network.OutputShape.Length;
        ModelMetadata metadata;
        try
        {
            if (network.InputShape is not { Rank: 3 } image || image[0] > MostPixels || image[0] != image[1] || image[2] is not (1 or 3))
                throw new UserError($"{path}: is for inputs {network.InputShape}, no square images of up to {MostPixels} pixels, gray or in colours");
            metadata = ModelMetadata.Read(checkpoint, path, outputs);
        }
        catch { network.Dispose(); throw; }
        var input = new ImagePreprocessing(network.InputShape[0], network.InputShape[2], metadata.Resize, metadata.Preprocessing);
        return new TrainedModel(network, metadata.Classes ?? Numbers(outputs), input, metadata.Labels, metadata.Threshold)
        {
            NamesClasses = metadata.Classes is not null,
        };
    }

    /// <summary>Reads a whole model of any tool onto a device: a checkpoint, or the weights of a network that the program knows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pixels">Width and height of its images; null for what the file says or its tensors allow.</param>
    /// <param name="preprocessing">What becomes of their bytes; null for what the file says or is known for, else 0 … 1.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="terminal">Is told what was assumed.</param>
    /// <exception cref="WeightFileException">The file is missing or broken.</exception>
    /// <exception cref="UserError">It holds no such model.</exception>
    public static TrainedModel LoadAny(string path, int? pixels, Preprocessing? preprocessing, Engine.Devices.Device device, Terminal terminal)
    {
        WeightFile file = WeightFile.Read(path);
        if (Checkpoint.Is(file))
        {
            TrainedModel model = Load(path, device);
            ImagePreprocessing own = model.Input;
            bool differs = (pixels ?? own.Pixels) != own.Pixels || (preprocessing ?? own.Kind) != own.Kind;
            if (!differs) return model;
            model.Dispose();
            throw new UserError($"{path}: says itself that its images have {own.Pixels} pixels and are prepared by "
                + $"{own.Kind.ToString().ToLowerInvariant()}; leave --pixels and --preprocessing out");
        }
        WeightFile converted = file with { Layout = TensorLayout.Convolve, Tensors = ConvolveLayout.Of(file) };
        Sequential network = KnownNetworks.Of(converted, pixels)
            ?? throw new UserError($"{path}: holds no whole model that is known here{(pixels is null ? "" : $" for images of {pixels} pixels")}: it must be a checkpoint "
                + $"of Convolve, or all weights of {string.Join(", ", Enum.GetNames<ModelKind>().Select(name => name.ToLowerInvariant()))} and nothing else");
        if (preprocessing is { } asked && asked.IsForColours() && network.InputShape[2] == 1)
            throw new UserError($"--preprocessing {asked.ToString().ToLowerInvariant()}: is for colours, and {path} reads gray images; leave it out");
        WeightOrigin? origin = preprocessing is null ? WeightOrigin.Of(file, network.InputShape[2]) : null;
        network.Initialize(device, 0);
        new PretrainedWeights(converted, network.Layers).Load();
        // The networks of this project that normalize are trained on images that are evened out.
        Preprocessing usual = network.Layers.Any(layer => layer is BatchNormalization) ? Preprocessing.Standardize : Preprocessing.Rescale;
        Preprocessing assumed = preprocessing ?? origin?.Preprocessing ?? usual;
        terminal.Note($"{path}: does not describe its model; taken for one of {network.ParameterCount:N0} parameters on images of {network.InputShape[0]} pixels, "
            + (preprocessing is null && origin is null ? WeightOrigin.Guess(assumed) : $"prepared by {assumed.ToString().ToLowerInvariant()}{(origin is null ? "" : $", for {origin.Reason}")}")
            + " (--pixels, --preprocessing)");
        var input = new ImagePreprocessing(network.InputShape[0], network.InputShape[2], Kind: assumed);
        return new TrainedModel(network, Numbers(network.OutputShape.Length), input, LabelScheme.Folders) { NamesClasses = false };
    }

    private static string[] Numbers(int outputs) => [.. Enumerable.Range(0, Classification.Classes(outputs)).Select(number => $"{number}")];

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();
}
