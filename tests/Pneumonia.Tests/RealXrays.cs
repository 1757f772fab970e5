namespace Convolve.Pneumonia.Tests;

/// <summary>Real X-rays outside the repository, which tests use if they are present.</summary>
public static class RealXrays
{
    public static string? Folder { get; } = Find();

    public static void SkipIfMissing() => Skip.If(Folder is null, "no ../shared/data/chest_xray beside the repository");

    private static string? Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (!File.Exists(Path.Combine(folder.FullName, "Convolve.sln"))) continue;
            var images = Path.Combine(folder.FullName, "..", "shared", "data", "chest_xray");
            return Directory.Exists(images) ? Path.GetFullPath(images) : null;
        }
        return null;
    }
}
