using Convolve.Layers.WeightFiles;
using Xunit;

namespace Convolve.Layers.Tests.WeightFiles;

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
}
