using System.Xml.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Convolve.Architecture.Tests;

/// <summary>
/// Which room may use which. A room is a folder of a project; it uses another one if its code names a type or member that is declared
/// there. The tables are complete: a use that is not listed is forbidden, and one that is listed exists.
/// </summary>
public sealed class RoomTests
{
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; "
        + "global using System.Threading; global using System.Threading.Tasks;";

    /// <summary>Projects with the projects that they reference.</summary>
    public static TheoryData<string, string> Projects => new()
    {
        { "Engine", "" },
        { "Inspection", "Engine" },
        { "Layers", "Engine" },
        { "Pneumonia", "Inspection, Layers" },
    };

    /// <summary>Rooms with the rooms of the same project that they use; "." is the project's own folder.</summary>
    public static TheoryData<string, string[]> Rooms => new()
    {
        {
            "Engine",
            [
                ".: Devices, Kernels, Measurement",
                "Autograd: Devices, Tensors, Tracing",
                "Devices: Files, Kernels, Tensors, Tracing",
                "Kernels: Devices, Tensors, Tracing",
                "Measurement: Devices, Kernels, Operations, Tensors, Trials",
                "Operations: Autograd, Devices, Files, Kernels, Randomness, Tensors, Trials",
                "Tensors: Devices, Kernels, Tracing",
                "Trials: Autograd, Devices, Randomness, Tensors",
            ]
        },
        {
            "Layers",
            [
                ".: Parameters",
                "Measurement: ., Networks, Parameters",
                "Networks: ., Parameters",
                "Optimizers: Parameters",
                "Reference: ., Networks, Parameters, Training",
                "Training: ., Networks, Optimizers, Parameters",
                "WeightFiles: ., Networks, Optimizers, Parameters",
            ]
        },
        {
            "Pneumonia",
            [
                ".: Data, Devices, Evaluate, Experiments, Explain, Files, Inspect, Kernels, Predict, Shell, Train, Weights",
                "Data: Images, Shell",
                "Devices: Files, Shell",
                "Evaluate: Devices, Files, Images, Models, Reports, Runs, Scores, Shell",
                "Experiments: Files, Images, Models, Pages, Runs, Scores, Shell, Train",
                "Explain: Devices, Explanations, Files, Images, Models, Runs, Scores, Shell",
                "Explanations: Images, Pages, Scores",
                "Files: Shell",
                "Images: Files, Shell",
                "Inspect: Devices, Files, Images, Models, Reports, Runs, Shell",
                "Kernels: Devices, Shell",
                "Models: Files, Images, Runs, Scores, Shell",
                "Pages: Shell",
                "Predict: Devices, Images, Models, Reports, Runs, Scores, Shell",
                "Reports: Explanations, Files, Images, Models, Pages, Runs, Scores, Shell",
                "Runs: Files, Images, Scores, Shell",
                "Train: Devices, Files, Images, Models, Reports, Runs, Scores, Shell",
                "Weights: Models, Runs, Shell",
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Projects))]
    public void AProjectReferencesOnlyProjectsBelowIt(string project, string references)
    {
        var file = XDocument.Load(Path.Combine(Repository.Root, "src", project, $"Convolve.{project}.csproj"));
        var found = file.Descendants("ProjectReference").Select(reference => reference.Attribute("Include")!.Value.Split('/')[^2]);
        Assert.Equal(references, string.Join(", ", found.Order(StringComparer.Ordinal)));
    }

    [Theory]
    [MemberData(nameof(Rooms))]
    public void ARoomUsesOnlyTheRoomsListed(string project, string[] uses) =>
        Assert.Equal(string.Join('\n', uses), string.Join('\n', Uses(project)));

    /// <summary>Rooms are floors: none uses itself through others.</summary>
    [Theory]
    [InlineData("Layers")]
    [InlineData("Pneumonia")]
    public void NoRoomUsesItselfThroughOthers(string project)
    {
        var left = ((string[])Rooms.Single(row => (string)row[0] == project)[1]).Select(use => use.Split(": "))
            .ToDictionary(use => use[0], use => use[1].Split(", "));
        while (left.FirstOrDefault(room => !room.Value.Any(left.ContainsKey)).Key is { } ground) left.Remove(ground);
        Assert.Empty(left);
    }

    /// <summary>A folder of the application fits on a page.</summary>
    [Fact]
    public void NoFolderHasMoreThanFifteenFiles() => Assert.Empty(
        from file in Repository.Files("src/Pneumonia")
        group file by Path.GetDirectoryName(file.Path) into folder
        where folder.Count() > 15
        select $"{folder.Key}: {folder.Count()} files");

    /// <summary>The uses between a project's rooms, as "room: others".</summary>
    private static IEnumerable<string> Uses(string project)
    {
        var trees = Repository.Files($"src/{project}").ToDictionary(file => CSharpSyntaxTree.ParseText(file.Text, path: file.Path), file =>
            file.Room);
        var own = $"Convolve.{project}.dll";
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => Path.GetFileName(path) != own).Select(path => MetadataReference.CreateFromFile(path));
        // Internal members of other projects are unknown here, but only this project's own rooms count.
        var compilation = CSharpCompilation.Create("rooms", [.. trees.Keys, CSharpSyntaxTree.ParseText(ImplicitUsings)], references,
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        var uses = new SortedDictionary<string, SortedSet<string>>(StringComparer.Ordinal);
        foreach (var (tree, room) in trees)
        {
            var model = compilation.GetSemanticModel(tree);
            foreach (var name in tree.GetRoot().DescendantNodes().OfType<SimpleNameSyntax>())
            {
                if (name.FirstAncestorOrSelf<UsingDirectiveSyntax>() is not null) continue;
                var symbol = model.GetSymbolInfo(name).Symbol;
                var type = symbol as INamedTypeSymbol ?? symbol?.ContainingType;
                foreach (var declaration in type?.OriginalDefinition.DeclaringSyntaxReferences ?? [])
                {
                    var other = trees[(CSharpSyntaxTree)declaration.SyntaxTree];
                    if (other == room) continue;
                    if (!uses.TryGetValue(room, out var known)) uses.Add(room, known = new SortedSet<string>(StringComparer.Ordinal));
                    known.Add(other);
                }
            }
        }
        return uses.Select(use => $"{use.Key}: {string.Join(", ", use.Value)}");
    }
}
