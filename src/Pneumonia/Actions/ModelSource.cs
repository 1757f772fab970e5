using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Reports;

namespace Convolve.Pneumonia.Actions;

/// <summary>Where a trained model comes from: one of <paramref name="Run"/> and <paramref name="Weights"/> is given.</summary>
/// <param name="Run">Run folder, or null.</param>
/// <param name="Weights">Weight file of a whole model, or null.</param>
/// <param name="Pixels">Width and height of its images, for a file that does not say; or null.</param>
/// <param name="Preprocessing">What becomes of their bytes, for a file that does not say; or null.</param>
public sealed record ModelSource(string? Run, string? Weights, int? Pixels, Preprocessing? Preprocessing)
{
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
    public TrainedModel Load(Metrics? metrics, Engine.Devices.Device device, Terminal terminal) => metrics is null
        ? TrainedModel.LoadAny(Weights!, Pixels, Preprocessing, device, terminal)
        : TrainedModel.LoadBest(Run!, metrics, device);
}
