namespace Convolve.Architecture.Tests;

/// <summary>Every operation's folder has the same kinds of files, as <c>src/Engine/Operations/README.md</c> promises.</summary>
public sealed class OperationFolderTests
{
    private static readonly string[] withoutOperation = ["BlockProduct"];
    private static readonly string[] withoutReference = ["BlockProduct", "Flatten"];
    private static readonly string[] withoutKernels = ["Addition", "BlockProduct", "Flatten", "MatrixMultiply"];

    [Fact]
    public void EveryFolderHasAnOperationAReferenceAndKernels()
    {
        var folders = Repository.Files("src/Engine/Operations").GroupBy(file => file.Path.Split('/')[3]).ToArray();
        Assert.NotEmpty(folders);
        Assert.Equal(withoutOperation, FoldersWithout("Operation.cs"));
        Assert.Equal(withoutReference, FoldersWithout("Reference.cs"));
        Assert.Equal(withoutKernels, FoldersWithout("Kernels.cs"));

        IEnumerable<string> FoldersWithout(string ending) => folders
            .Where(folder => !folder.Any(file => file.Path.EndsWith(ending, StringComparison.Ordinal)))
            .Select(folder => folder.Key).Order(StringComparer.Ordinal);
    }
}
