using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Train;

/// <summary>A tree of images and a run trained on it, shared by the tests that only read it.</summary>
public sealed class TrainedRun : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder root = new();

    /// <summary>All options of a quick training, except data and output.</summary>
    public static string[] Tiny => ["train", "--model", "mlp", "--pixels", "24", "--epochs", "3", "--batch", "4"];

    /// <summary>{train,test}/{NORMAL,PNEUMONIA}: 24 and 12 images.</summary>
    public string Data => Path.Combine(root.Path, "data");

    /// <summary>The run folder.</summary>
    public string Folder => Path.Combine(root.Path, "run");

    /// <summary>What the training printed.</summary>
    public CommandRun Training { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        root.WithXrays("data/train", 12).WithXrays("data/test", 6, seed: 2);
        Training = await CommandRun.Succeeding([.. Tiny, "--data", Data, "--out", Folder, "--json"]);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => root.Dispose();
}
