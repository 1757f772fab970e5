using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Convolve.Documentation.Tests;

/// <summary>Compiles a complete program against Engine and Layers and runs it.</summary>
public static class FreeProgram
{
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using "
            + "System.Threading; global using System.Threading.Tasks;";

    private static readonly MetadataReference[] references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <summary>Runs a program and returns what it printed.</summary>
    /// <exception cref="FormatException">It does not compile.</exception>
    public static string Run(string source)
    {
        var options = new CSharpParseOptions(LanguageVersion.Preview);
        var compilation = CSharpCompilation.Create($"program-{Guid.NewGuid():N}",
            [CSharpSyntaxTree.ParseText(ImplicitUsings, options), CSharpSyntaxTree.ParseText(source, options)], references,
            // Optimized like the projects: ILGPU translates the IL that the compiler emits.
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, optimizationLevel: OptimizationLevel.Release,
                nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        var result = compilation.Emit(image);
        var errors = result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).ToArray();
        if (errors.Length > 0)
            throw new FormatException($"it does not compile; line {errors[0].Location.GetLineSpan().StartLinePosition.Line + 1} of the "
                + $"block: {errors[0].GetMessage()}");
        image.Position = 0;
        return Printed(new AssemblyLoadContext(null, isCollectible: false).LoadFromStream(image).EntryPoint!);
    }

    /// <summary>Calls an entry point and returns what it printed.</summary>
    public static string Printed(MethodInfo entryPoint)
    {
        var before = Console.Out;
        using var output = new StringWriter();
        Console.SetOut(output);
        try
        {
            var arguments = entryPoint.GetParameters().Length == 0 ? [] : new object[] { Array.Empty<string>() };
            if (entryPoint.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, null) is Task task)
                task.GetAwaiter().GetResult();
        }
        finally
        {
            Console.SetOut(before);
        }
        return output.ToString().ReplaceLineEndings("\n").TrimEnd('\n');
    }
}
