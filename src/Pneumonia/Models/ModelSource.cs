using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>The trained model of a command: a run's, a weight file's, or the included one.</summary>
public sealed record ModelSource : ICheckedSettings
{
    /// <summary>Run folder, or null.</summary>
    [Run("run folder whose best checkpoint {0}")]
    public string? Run { get; init; }

    /// <summary>Weight file of a whole model; null with a run.</summary>
    [Text("FILE", "weight file of a whole model, instead of --run (the network that comes with the program)", "a file")]
    public string? Weights { get => field ?? (Run is null ? RecommendedModel.Path : null); init; }

    /// <summary>Width and height of its images, for a file that does not state it; or null.</summary>
    [Pixels("width and height of its images, where the file does not say (what its tensors allow)")]
    public int? Pixels { get; init; }

    /// <summary>Preprocessing, for a file that does not state it; or null.</summary>
    [Choice<Preprocessing>("what becomes of a byte, where the file does not say (rescale; published weights their own)")]
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>Names of its classes in the order of its outputs, for a file that does not state them; or null.</summary>
    [Names("names of its classes in the order of its outputs, where the file does not say (evaluate: those of the folders, in the order of "
        + "their names)")]
    public IReadOnlyList<string>? Classes { get; init; }

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        if (Run is null) return;
        if (Weights is not null) throw new UserError($"{command}: two models; give either --run or --weights");
        if (Pixels is not null || Preprocessing is not null)
            throw new UserError($"{command}: a run has its own size and preprocessing; leave --pixels and --preprocessing out");
    }

    /// <summary>The run's folder or the weight file that the user named, or the included network.</summary>
    public string Name => Run
        ?? (Weights == RecommendedModel.Path ? $"{Path.GetFileName(RecommendedModel.Path)}, which comes with the program" : Weights!);

    /// <summary>The network of a command's predictions, and its threshold, in one line.</summary>
    public string Describe(TrainedModel model) => $"network: {Name}" + (model.Positive is null ? "" : model.Threshold is { } threshold
        ? $"; its threshold {threshold:P1} was chosen on its validation images" : "; it has no threshold of its own: ½ decides");

    /// <summary>The metrics of the run; null for a weight file.</summary>
    /// <exception cref="UserError">The folder holds no run.</exception>
    public Metrics? Metrics() => Run is null ? null : MetricsFile.Read(Run);

    /// <summary>The file that may list the model's training images: in the run's folder, or beside the weight file.</summary>
    public string ImagesFile => Run is null ? Path.ChangeExtension(Weights!, Runs.ImagesFile.FileName)
        : Path.Combine(Run, Runs.ImagesFile.FileName);

    /// <summary>Loads the model on a device.</summary>
    /// <param name="metrics">The run's, from <see cref="Metrics"/>.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="terminal">Receives notes on assumptions.</param>
    /// <exception cref="UserError">The file is missing, broken, or holds no such model.</exception>
    public TrainedModel Load(Metrics? metrics, Engine.Devices.Device device, Terminal terminal)
    {
        var model = metrics is null
            ? TrainedModel.LoadAny(Weights!, Pixels, Preprocessing, device, terminal)
            : TrainedModel.LoadBest(Run!, metrics, device);
        if (Classes is null) return model;
        try
        {
            return model.WithClasses(Classes, Name);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }
}
