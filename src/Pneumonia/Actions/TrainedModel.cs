using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Actions;

/// <summary>A trained network with what its answers mean.</summary>
/// <param name="Network">The network, on its device.</param>
/// <param name="Classes">Names of the classes in the order of its outputs; of two, the positive one comes second.</param>
/// <param name="Pixels">Width and height of its images.</param>
/// <param name="Resize">How images get that size.</param>
/// <param name="Labels">Where the classes come from.</param>
/// <param name="Preprocessing">What becomes of their bytes.</param>
/// <param name="Threshold">The probability that its validation images chose; null where nothing says it.</param>
public sealed record TrainedModel(
    Sequential Network, IReadOnlyList<string> Classes, int Pixels, ResizeMethod Resize, LabelScheme Labels, Preprocessing Preprocessing, double? Threshold = null)
    : IDisposable
{
    /// <summary>Channels of its images: 1 for gray, else 3.</summary>
    public int Channels => Network.InputShape[2];

    /// <summary>Whether something said what its classes are called; else they bear their numbers.</summary>
    public bool NamesClasses { get; init; } = true;

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
        try
        {
            Checkpoint checkpoint = Checkpoint.Read(path);
            Sequential network = checkpoint.Build(device);
            int outputs = network.OutputShape.Length;
            ModelMetadata metadata;
            try { metadata = ModelMetadata.Read(checkpoint, path, outputs); }
            catch { network.Dispose(); throw; }
            return new TrainedModel(
                network, metadata.Classes ?? Numbers(outputs), network.InputShape[0], metadata.Resize, metadata.Labels, metadata.Preprocessing, metadata.Threshold)
            { NamesClasses = metadata.Classes is not null };
        }
        catch (WeightFileException e)
        {
            throw new UserError(e.Message, e);
        }
    }

    /// <summary>Reads a whole model of any tool onto a device: a checkpoint, or the weights of a network that the program knows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pixels">Width and height of its images; null for what the file says or its tensors allow.</param>
    /// <param name="preprocessing">What becomes of their bytes; null for what the file says or is known for, else 0 … 1.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="terminal">Is told what was assumed.</param>
    /// <exception cref="UserError">The file is missing, broken, or holds no such model.</exception>
    public static TrainedModel LoadAny(string path, int? pixels, Preprocessing? preprocessing, Engine.Devices.Device device, Terminal terminal)
    {
        try
        {
            WeightFile file = WeightFile.Read(path);
            if (Checkpoint.Is(file))
            {
                TrainedModel model = Load(path, device);
                bool differs = (pixels ?? model.Pixels) != model.Pixels || (preprocessing ?? model.Preprocessing) != model.Preprocessing;
                if (!differs) return model;
                model.Dispose();
                throw new UserError($"{path}: says itself that its images have {model.Pixels} pixels and are prepared by "
                    + $"{model.Preprocessing.ToString().ToLowerInvariant()}; leave --pixels and --preprocessing out");
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
            Preprocessing usual = network.Layers.Any(layer => layer is BatchNormalizationLayer) ? Preprocessing.Standardize : Preprocessing.Rescale;
            Preprocessing assumed = preprocessing ?? origin?.Preprocessing ?? usual;
            terminal.Note($"{path}: does not describe its model; taken for one of {network.ParameterCount:N0} parameters on images of {network.InputShape[0]} pixels, "
                + $"prepared by {assumed.ToString().ToLowerInvariant()}{(origin is null ? "" : $", for {origin.Reason}")} (--pixels, --preprocessing)");
            return new TrainedModel(network, Numbers(network.OutputShape.Length), network.InputShape[0], ResizeMethod.Bilinear, LabelScheme.Folders, assumed) { NamesClasses = false };
        }
        catch (WeightFileException e)
        {
            throw new UserError(e.Message, e);
        }
    }

    private static string[] Numbers(int outputs) => [.. Enumerable.Range(0, Layers.Training.Classification.Classes(outputs)).Select(number => $"{number}")];

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();
}
