namespace Convolve.Architecture.Tests;

/// <summary>The files of the repository that the tests are built from.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The C# files below a folder of the repository, build outputs left out.</summary>
    public static IReadOnlyList<SourceFile> Files(string folder) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj"))
            .Order(StringComparer.Ordinal)
            .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(Root, path)))),
    ];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Convolve.sln"))) folder = folder.Parent!;
        return folder.FullName;
    }
}

/// <summary>A source file.</summary>
/// <param name="Path">Its path in the repository, with slashes.</param>
/// <param name="Text">Its content.</param>
internal sealed record SourceFile(string Path, string Text)
{
    /// <summary>
    /// The folder below the project's that the file belongs to, such as <c>Tensors</c>; "." for files of the project's own folder.
    /// </summary>
    public string Room => Path.Split('/') is [_, _, var room, _, ..] ? room : ".";

    /// <summary>Its lines, counted from 1.</summary>
    public IEnumerable<(int Number, string Line)> Lines => Text.Split('\n').Select((line, i) => (i + 1, line.TrimEnd('\r')));
}
