namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>Weight files outside the repository, which tests use if they are present.</summary>
public static class SharedWeights
{
    private static readonly string? folder = Find();

    /// <summary>The path of a file in that folder; skips the calling test if it is missing.</summary>
    public static string Path(string name)
    {
        Skip.If(folder is null, "no ../shared/data/weights beside the repository");
        return System.IO.Path.Combine(folder!, name);
    }

    private static string? Find()
    {
        for (var parent = new DirectoryInfo(AppContext.BaseDirectory); parent is not null; parent = parent.Parent)
        {
            if (!File.Exists(System.IO.Path.Combine(parent.FullName, "Convolve.sln"))) continue;
            var weights = System.IO.Path.Combine(parent.FullName, "..", "shared", "data", "weights");
            return Directory.Exists(weights) ? System.IO.Path.GetFullPath(weights) : null;
        }
        return null;
    }
}
