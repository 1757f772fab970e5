using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;
using Convolve.Pneumonia.Shell;
using Convolve.Pneumonia.Weights;

namespace Convolve.Pneumonia.Models;

/// <summary>Where a trained model comes from: one of <paramref name="Run"/> and <paramref name="Weights"/> is given.</summary>
/// <param name="Run">Run folder, or null.</param>
/// <param name="Weights">Weight file of a whole model, or null.</param>
/// <param name="Pixels">Width and height of its images, for a file that does not say; or null.</param>
/// <param name="Preprocessing">What becomes of their bytes, for a file that does not say; or null.</param>
/// <param name="Classes">Names of its classes in the order of its outputs, for a file that does not say; or null.</param>
public sealed record ModelSource(string? Run, string? Weights, int? Pixels, Preprocessing? Preprocessing, IReadOnlyList<string>? Classes = null)
{
    /// <summary>What the user named: the run's folder or the weight file; or the network that comes with the program.</summary>
    public string Name => Run ?? (Weights == RecommendedModel.Path ? $"{Path.GetFileName(RecommendedModel.Path)}, which comes with the program" : Weights!);

    /// <summary>Whose predictions a command shows, and at which threshold, in one line.</summary>
    public string Describe(TrainedModel model) => $"network: {Name}" + (model.Positive is null ? "" : model.Threshold is { } threshold
        ? $"; its threshold {threshold:P1} was chosen on its validation images" : "; it has no threshold of its own: ½ decides");

    /// <summary>The figures of the run; null for a weight file.</summary>
    /// <exception cref="UserError">The folder holds no run.</exception>
    public Metrics? Metrics() => Run is null ? null : MetricsFile.Read(Run);

    /// <summary>Where it may be written which images the model was trained on: in the run's folder, or beside the weight file.</summary>
    public string ImagesFile => Run is null ? Path.ChangeExtension(Weights!, Reports.ImagesFile.FileName) : Path.Combine(Run, Reports.ImagesFile.FileName);

    /// <summary>Reads the model onto a device.</summary>
    /// <param name="metrics">The run's, from <see cref="Metrics"/>.</param>
    /// <param name="device">Where to compute.</param>
    /// <param name="terminal">Is told what was assumed.</param>
    /// <exception cref="UserError">The file is missing, broken, or holds no such model.</exception>
    public TrainedModel Load(Metrics? metrics, Engine.Devices.Device device, Terminal terminal)
    {
        TrainedModel model = metrics is null
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
