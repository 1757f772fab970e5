using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>What every crafted file must come to: one line that names it, with no more memory than the rule allows.</summary>
public static class HostileFile
{
    private const int Rule = 4;
    private const long Constant = 64 << 20;

    /// <summary>The error of a file that is refused.</summary>
    public static string Refused(byte[] content) => WithFile(content, path =>
    {
        var error = Bounded(content.Length, () => Assert.Throws<WeightFileException>(() => WeightFile.Read(path)));
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        Assert.InRange(error.Message.Length, path.Length, path.Length + 600);
        return error.Message[path.Length..];
    });

    /// <summary>A file that is read.</summary>
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

    // All that was ever allocated is more than what was there at once: a bound that no collector blurs.
    private static T Bounded<T>(long length, Func<T> read)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = read();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Rule * length + Constant);
        return result;
    }
}
