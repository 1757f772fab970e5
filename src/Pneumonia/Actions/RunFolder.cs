using System.Text.Json.Nodes;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Actions;

/// <summary>The files of a run.</summary>
public static class RunFolder
{
    /// <summary>The checkpoint of the best epoch.</summary>
    public static string BestPath(string run) => Path.Combine(run, "best.safetensors");

    /// <summary>The checkpoint to resume from.</summary>
    public static string LastPath(string run) => Path.Combine(run, "last.safetensors");

    /// <summary>What augmentation makes of some of the training images.</summary>
    public static string AugmentationPath(string run) => Path.Combine(run, "augmentation.png");

    /// <summary>Refuses a folder that holds something already, unless its run is to be resumed.</summary>
    /// <exception cref="UserError">It does.</exception>
    public static void RefuseExisting(string run, bool resume)
    {
        if (File.Exists(run)) throw new UserError($"--out {run}: is a file; name a folder");
        if (!resume && Directory.Exists(run) && Directory.EnumerateFileSystemEntries(run).Any())
            throw new UserError($"--out {run}: exists already; choose another folder, or add --resume to continue that run");
    }

    /// <summary>Takes back what <see cref="Prepare"/> and the plan left of a run that never finished an epoch.</summary>
    public static void Discard(string run)
    {
        File.Delete(Path.Combine(run, Reports.ConfigFile.FileName));
        File.Delete(AugmentationPath(run));
        if (!Directory.EnumerateFileSystemEntries(run).Any()) Directory.Delete(run);
    }

    /// <summary>Makes the folder and sees that it can be written to.</summary>
    /// <exception cref="UserError">It cannot.</exception>
    public static void Prepare(string run)
    {
        try
        {
            Directory.CreateDirectory(run);
            string probe = Path.Combine(run, ".writable");
            File.WriteAllBytes(probe, []);
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserError($"--out {run}: cannot be written to: {e.Message}", e);
        }
    }
}

/// <summary>A trained network with what its answers mean.</summary>
/// <param name="Network">The network, on its device.</param>
/// <param name="Classes">Names of the classes in the order of its outputs; of two, the positive one comes second.</param>
/// <param name="Pixels">Width and height of its images.</param>
/// <param name="Resize">How images get that size.</param>
/// <param name="Labels">Where the classes come from.</param>
public sealed record TrainedModel(Sequential Network, IReadOnlyList<string> Classes, int Pixels, ResizeMethod Resize, LabelScheme Labels) : IDisposable
{
    /// <summary>Channels of its images: 1 for gray, else 3.</summary>
    public int Channels => Network.InputShape[2];

    /// <summary>Reads the best checkpoint of a run onto a device.</summary>
    /// <exception cref="UserError">The file is missing, broken, or not the one that the run's figures belong to.</exception>
    public static TrainedModel LoadBest(string run, Metrics metrics, Engine.Devices.Device device)
    {
        string path = RunFolder.BestPath(run);
        TrainedModel model = Load(path, device);
        if (model.Network.ParameterCount == metrics.Parameters) return model;
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
            JsonObject application = checkpoint.Application;
            int outputs = Layers.Training.Classification.Classes(network.OutputShape.Length);
            return new TrainedModel(
                network,
                application["classes"]?.AsArray().Select(name => (string)name!).ToArray() ?? [.. Enumerable.Range(0, outputs).Select(i => $"{i}")],
                network.InputShape[0],
                Enum.Parse<ResizeMethod>((string?)application["resize"] ?? nameof(ResizeMethod.Bilinear), ignoreCase: true),
                Enum.Parse<LabelScheme>((string?)application["labels"] ?? nameof(LabelScheme.Folders), ignoreCase: true));
        }
        catch (WeightFileException e)
        {
            throw new UserError(e.Message, e);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new UserError($"{path}: its metadata cannot be used: {e.Message}", e);
        }
    }

    /// <summary>What a checkpoint must say beside the network.</summary>
    public static JsonObject Metadata(IReadOnlyList<string> classes, ResizeMethod resize, LabelScheme labels) => new()
    {
        ["classes"] = new JsonArray([.. classes.Select(name => (JsonNode)name)]),
        ["resize"] = resize.ToString().ToLowerInvariant(),
        ["labels"] = labels.ToString().ToLowerInvariant(),
    };

    /// <inheritdoc/>
    public void Dispose() => Network.Dispose();
}
