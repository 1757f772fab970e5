using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Images;

public sealed class ImageStoreTests
{
    private static readonly string[] classes = ["A", "B"];

    private static ImageFile[] Files(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new ImageFile($"{i}", $"{i}", classes[i % 2], $"{i}", null))];

    [Fact]
    public async Task FilesAreDecodedAndDamagedOnesLeftOut()
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 20; i++) folder.AddImage($"{(i % 2 == 0 ? "A" : "B")}/{i:D2}.png", i * 0x01010101);
        folder.Add("A/04.png", "");
        var found = ImageFolder.Open(folder.Path);

        var store = ImageStore.Decode(found.Files, found.Classes, new ImagePreprocessing(4, 3));
        await store.Completed;

        var damaged = found.Files.ToList().FindIndex(file => file.Name == "04.png");
        Assert.False(store.IsUsable(damaged));
        Assert.True(store[damaged].ToArray().All(b => b == 0));
        Assert.Equal("A/04.png: is empty (0 bytes) or not a regular file; left out", Assert.Single(store.Warnings));
        Assert.Equal(Enumerable.Range(0, 20).Where(i => i != damaged), store.UsableIndices());
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(found.Files[i].Class == "A" ? 0 : 1, store.ClassOf(i));
            if (i == damaged) continue;
            var value = byte.Parse(found.Files[i].Name[..2]);
            Assert.True(store[i].ToArray().All(b => b == value));
        }
    }

    /// <summary>A few missing files are left out, like any number of damaged ones; more missing files mean that the folder is
    /// gone.</summary>
    [Theory]
    [InlineData(3, 0)]
    [InlineData(3, 12)]
    [InlineData(4, 0)]
    public async Task FilesThatHaveGoneSinceTheyWereListedAreAnErrorWhereTheyAreMany(int gone, int damaged)
    {
        using var folder = new TemporaryFolder();
        for (var i = 0; i < 40; i++) folder.AddImage($"{(i % 2 == 0 ? "A" : "B")}/{i:D2}.png", i * 0x01010101);
        var found = ImageFolder.Open(folder.Path);
        foreach (var file in found.Files.Take(gone)) File.Delete(file.Path);
        foreach (var file in found.Files.Skip(gone).Take(damaged)) File.WriteAllText(file.Path, "damaged");

        var store = ImageStore.Decode(found.Files, found.Classes, new ImagePreprocessing(4, 3));
        if (gone <= 3)
        {
            await store.Completed;
            store.ThrowIfFailed();
            Assert.Equal(40 - gone - damaged, store.UsableIndices().Length);
            Assert.Equal(gone, store.Warnings.Count(warning => warning.EndsWith("no such file; left out", StringComparison.Ordinal)));
            return;
        }
        var error = await Assert.ThrowsAsync<UserError>(() => store.Completed);
        Assert.StartsWith($"data: more than 3 of 40 images that were listed can no longer be read, such as {folder.Path}", error.Message);
        Assert.Contains("no such file", error.Message);
        Assert.Throws<UserError>(store.ThrowIfFailed);
        Assert.Throws<UserError>(() => store.UsableIndices());
        // If the user names files one by one, each is independent.
        var named = ImageStore.Decode(found.Files, found.Classes, new ImagePreprocessing(4, 3), mostMissing: 40);
        await named.Completed;
        Assert.Equal(gone, named.Warnings.Count);
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(300, 3)]
    [InlineData(1000, 10)]
    [InlineData(5232, 52)]
    public void OneInAHundredMayBeMissing(int files, int missing) => Assert.Equal(missing, ImageStore.MostMissing(files));

    [Fact]
    public async Task AReaderDoesNotWaitForImagesItDidNotAskFor()
    {
        using var gate = new ManualResetEventSlim();
        var fills = 0;
        // Every image but the last is delayed, on all threads of the store.
        var store = new ImageStore(Files(50), classes, new ImagePreprocessing(1, 1), (index, target) =>
        {
            Interlocked.Increment(ref fills);
            if (index != 49) gate.Wait();
            target[0] = (byte)index;
        });
        Assert.Equal(49, store[49][0]);
        gate.Set();
        Assert.Equal(50, store.UsableIndices().Length);
        await store.Completed;
        Assert.Equal((50, 50), (fills, store.Done));
        for (var i = 0; i < 50; i++) Assert.Equal(i, store[i][0]);
    }

    [Fact]
    public async Task AStoreThatComesAfterAnotherWaitsForItButItsReadersDoNot()
    {
        var first = new TaskCompletionSource();
        var fills = 0;
        var store = new ImageStore(Files(20), classes, new ImagePreprocessing(1, 1), (index, target) =>
        {
            Interlocked.Increment(ref fills);
            target[0] = (byte)index;
        }, after: first.Task);
        Assert.Equal(7, store[7][0]);
        Assert.False(store.Completed.IsCompleted);
        Assert.Equal((1, 1), (fills, store.Done));
        // Whatever happened to the first, the second is filled.
        first.SetException(new InvalidDataException("disk"));
        await store.Completed;
        Assert.Equal((20, 20), (fills, store.Done));
    }

    [Fact]
    public async Task AFaultReachesTheReaderAndTheTask()
    {
        var store = new ImageStore(Files(3), classes, new ImagePreprocessing(1, 1), (_, _) => throw new InvalidDataException("disk"));
        Assert.Contains("disk", Assert.Throws<InvalidOperationException>(() => store.IsUsable(2)).Message);
        await Assert.ThrowsAsync<InvalidOperationException>(() => store.Completed);
    }

    [Fact]
    public async Task AStopReachesTheReaderAndTheTask()
    {
        using var stop = new CancellationTokenSource();
        var store = new ImageStore(Files(500), classes, new ImagePreprocessing(1, 1), (index, _) =>
        {
            if (index == 1) stop.Cancel();
            Thread.Sleep(1);
        }, cancellation: stop.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => store.Completed);
        Assert.ThrowsAny<OperationCanceledException>(() => store.IsUsable(499));
    }

    [Fact]
    public void TooManyBytesAreRefusedBeforeTheyAreAskedFor() =>
        Assert.Contains("--pixels",
            Assert.Throws<UserError>(() => new ImageStore(Files(1000), classes, new ImagePreprocessing(4096, 3), (_, _) => { })).Message);

    [SkippableFact]
    public void RealXraysAreDecodedAtTheDecodersSpeed()
    {
        RealXrays.SkipIfMissing();
        IReadOnlyList<ImageFile> files = [.. ImageFolder.Open(RealXrays.Folder!).Files.Take(100)];
        var store = ImageStore.Decode(files, [ImageFolder.Normal, ImageFolder.Pneumonia], new ImagePreprocessing(150, 3));
        Assert.Equal(100, store.UsableIndices().Length);
        Assert.InRange(store[7].ToArray().Average(b => b), 30, 220);
    }
}
