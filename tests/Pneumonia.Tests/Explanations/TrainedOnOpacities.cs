using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Pneumonia.Devices;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Tests.Devices;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Explanations;

/// <summary>The network that <c>train --seed</c> trains on synthetic X-rays, in half a minute; skipped without OpenCL.</summary>
public sealed class TrainedOnOpacities : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder root = new();
    private OpenDevice? opened;
    private TrainedModel? model;

    /// <summary>The run folder.</summary>
    public string Folder => Path.Combine(root.Path, "run");

    /// <summary>The model on its device; skips the calling test if it was not trained.</summary>
    public TrainedModel Model
    {
        get
        {
            OpenCl.SkipIfMissing();
            opened ??= OpenDevice.For("auto");
            return model ??= TrainedModel.Load(RunFolder.BestPath(Folder), opened.Device);
        }
    }

    public async Task InitializeAsync()
    {
        using var catalogue = new DeviceCatalogue();
        if (catalogue.Devices.All(device => device.Kind == DeviceKind.IlgpuCpu)) return;
        await CommandRun.Succeeding("train", "--seed", "2601", "--out", Folder);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose()
    {
        model?.Dispose();
        opened?.Dispose();
        root.Dispose();
    }
}
