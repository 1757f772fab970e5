using System.Diagnostics;
using Convolve.Engine.Files;

namespace Convolve.Engine.Tests.Files;

public sealed class WholeFileTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ALinkStaysOneAndWhatItPointsToIsReplaced()
    {
        string file = Path.Combine(folder, "weights"), link = Path.Combine(folder, "link");
        File.WriteAllText(file, "before");
        File.CreateSymbolicLink(link, file);
        WholeFile.Write(link, stream => stream.Write("after"u8));
        Assert.Equal(file, new FileInfo(link).LinkTarget);
        Assert.Equal("after", File.ReadAllText(file));
    }

    [Fact]
    public void AFileThatCannotBeFinishedStaysAsItWas()
    {
        var file = Path.Combine(folder, "weights");
        File.WriteAllText(file, "before");
        var thrown = Assert.Throws<IOException>(() => WholeFile.Write(file, stream =>
        {
            stream.Write("half"u8);
            throw new IOException("no space left");
        }));
        Assert.Equal("no space left", thrown.Message);
        Assert.Equal("before", File.ReadAllText(file));
        Assert.Equal([file], Directory.GetFiles(folder));
    }

    [Fact]
    public void WhateverGoesWrongNothingIsLeft()
    {
        Assert.Throws<InvalidOperationException>(
            () => WholeFile.Write(Path.Combine(folder, "weights"), _ => throw new InvalidOperationException()));
        Assert.Empty(Directory.GetFiles(folder));
    }

    [Fact]
    public void WhatAKilledProcessLeftGoesWithTheNextFile()
    {
        using var ended = Process.Start(new ProcessStartInfo("dotnet", "--version") { RedirectStandardOutput = true })!;
        ended.StandardOutput.ReadToEnd();
        ended.WaitForExit();
        string Temporary(int process) => Path.Combine(folder, $".convolve-{process}-{Guid.NewGuid():N}.tmp");
        string orphan = Temporary(ended.Id), namesake = Temporary(Environment.ProcessId), locked = Temporary(ended.Id),
            running = Temporary(Parent()), other = Path.Combine(folder, "notes.tmp"),
            similar = Path.Combine(folder, $".convolve-{ended.Id}-notes.tmp");
        foreach (var path in new[] { orphan, namesake, locked, running, other, similar }) File.WriteAllText(path, "half");
        // As a process on another machine would leave it.
        using (new FileStream(locked, FileMode.Open, FileAccess.Write, FileShare.Read))
            WholeFile.Write(Path.Combine(folder, "weights"), stream => stream.Write("whole"u8));
        Assert.Equal(new[] { locked, running, other, similar, Path.Combine(folder, "weights") }.Order(),
            Directory.GetFiles(folder).Order());
        WholeFile.Write(Path.Combine(folder, "weights"), stream => stream.Write("whole"u8));
        Assert.False(File.Exists(locked));
    }

    // Another running process.
    private static int Parent() =>
        int.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("PPid:", StringComparison.Ordinal))[5..]);

    [Fact]
    public async Task WritersOfOneFileDoNotDisturbOneAnother()
    {
        var path = Path.Combine(folder, "weights");
        byte[][] contents = [.. Enumerable.Range(0, 8).Select(i => Enumerable.Repeat((byte)i, 100_000).ToArray())];
        WholeFile.Write(path, stream => stream.Write(contents[0]));
        var writers = contents.Select(content => Task.Run(() =>
        {
            for (var i = 0; i < 10; i++) WholeFile.Write(path, stream => stream.Write(content));
        })).ToArray();
        // A reader always finds one complete file, even while it is being renamed.
        while (!Task.WhenAll(writers).IsCompleted)
        {
            var read = await File.ReadAllBytesAsync(path);
            Assert.Equal(100_000, read.Length);
            Assert.Equal(-1, read.AsSpan().IndexOfAnyExcept(read[0]));
        }
        await Task.WhenAll(writers);
        Assert.Equal([path], Directory.GetFiles(folder));
    }
}
