using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>Every crafted file must give a one-line error that names it, within the memory budget.</summary>
public static class HostileFile
{
    private const int Rule = 4;
    private const long Constant = 64 << 20;

    /// <summary>The error for a refused file.</summary>
    public static string Refused(byte[] content) => WithFile(content, path =>
    {
        var error = Bounded(content.Length, () => Assert.Throws<WeightFileException>(() => WeightFile.Read(path)));
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.InRange(error.Message.Length, path.Length, path.Length + 600);
        return error.Message[path.Length..];
    });

    /// <summary>Reads a valid file.</summary>
    public static WeightFile Read(byte[] content) => WithFile(content, path => Bounded(content.Length, () => WeightFile.Read(path)));

    private static T WithFile<T>(byte[] content, Func<string, T> read)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, content);
            return read(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    // Total allocations bound the peak memory independently of the garbage collector.
    private static T Bounded<T>(long length, Func<T> read)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = read();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Rule * length + Constant);
        return result;
    }
}
