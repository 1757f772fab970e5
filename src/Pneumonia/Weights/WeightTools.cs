using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Runs;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Weights;

/// <summary>What <c>weights list</c> was asked for.</summary>
public sealed record WeightListSettings
{
    [Json]
    public bool Json { get; init; }
}

/// <summary>What <c>weights verify</c> was asked for.</summary>
public sealed record WeightVerifySettings
{
    [Arguments("FILE", ".safetensors, .h5, .npz, .npy, .pth or .pt", "which file?")]
    public string File { get; init; } = "";

    [Json]
    public bool Json { get; init; }
}

/// <summary>What <c>weights import</c> was asked for.</summary>
public sealed record WeightImportSettings
{
    [Arguments("FILE", ".safetensors, .h5, .npz, .npy, .pth or .pt", "which file?")]
    public string File { get; init; } = "";

    [Text("FILE", ".safetensors file to write", "a file", Missing = "where to? give a file with --out X.safetensors")]
    public string Out { get; init; } = "";

    /// <summary>Whether the layout stays what it is.</summary>
    [Flag("keep the layout of the file")]
    public bool Raw { get; init; }
}

/// <summary>What <c>weights export</c> was asked for.</summary>
public sealed record WeightExportSettings
{
    [Run("run folder whose best checkpoint is written", Missing = "which run? give its folder with --run DIR")]
    public string Run { get; init; } = "";

    [Text("FILE", ".safetensors or .npz file to write", "a file", Missing = "where to? give a file with --out FILE")]
    public string Out { get; init; } = "";
}

/// <summary>The <c>weights</c> commands.</summary>
public static class WeightTools
{
    // More rows than any network needs; printing many thousand rows takes longer than reading the file.
    private const int MostRows = 2000;

    /// <summary>Lists the published files, where they come from, and which are here.</summary>
    public static Task<int> List(WeightListSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        if (settings.Json)
        {
            terminal.WriteJson(WeightCatalogue.Entries.Select(entry => new
            {
                id = entry.Id,
                file = entry.File,
                what = entry.What,
                address = entry.Address,
                bytes = entry.Bytes,
                md5 = entry.Md5,
                sha256 = entry.Sha256,
                licence = entry.Licence,
                preprocessing = entry.Preprocessing,
                path = WeightCatalogue.Find(entry),
            }));
            return Task.FromResult(0);
        }
        foreach (var entry in WeightCatalogue.Entries)
        {
            terminal.Results.WriteLine($"{entry.Id}: {entry.What}");
            terminal.Results.WriteLine($"  {entry.Address}");
            terminal.Results.WriteLine(
                $"  {entry.Bytes / 1e6:F0} MB, {(entry.Sha256 is null ? $"MD5 {entry.Md5}" : $"SHA-256 {entry.Sha256}")}");
            terminal.Results.WriteLine($"  {entry.Licence}");
            terminal.Results.WriteLine($"  --preprocessing {entry.Preprocessing.ToString().ToLowerInvariant()}");
            terminal.Results.WriteLine(WeightCatalogue.Find(entry) is not { } path
                ? $"  not here; put it into {string.Join(" or ", WeightCatalogue.Folders)}"
                : entry.Difference(path) is { } difference ? $"  {path} has its name, but is another file: {difference}"
                : $"  here: {path}");
        }
        return Task.FromResult(0);
    }

    /// <summary>Reads a whole file and lists its content.</summary>
    /// <exception cref="UserError">It is missing, broken or of no known format.</exception>
    public static Task<int> Verify(WeightVerifySettings settings, Terminal terminal, CancellationToken cancellation)
    {
        var path = settings.File;
        var file = WeightFile.Read(path);
        var format = WeightFile.Name(file.Format);
        if (WeightCatalogue.PublishedAs(path) is { } published) terminal.Note($"{path}: is the published {published.Id}");
        else if (WeightCatalogue.NamedLike(path) is { } named)
            terminal.Warn($"{path}: is not the published {named.File}: {named.Difference(path)}");
        if (settings.Json)
        {
            terminal.WriteJson(new
            {
                format,
                tensors = file.Tensors
                    .Select(tensor => new { name = tensor.Key, shape = tensor.Value.Shape, dtype = TypeName(tensor.Value) }),
            });
            return Task.FromResult(0);
        }
        var table = new Table().Border(TableBorder.Simple);
        foreach (var name in new[] { "tensor", "shape", "stored as" }) table.AddColumn(new TableColumn(name).NoWrap());
        foreach ((var name, var tensor) in file.Tensors.Take(MostRows))
            table.AddRow(new Text(Terminal.OneLine(name)), new Text($"[{string.Join(',', tensor.Shape)}]"), new Text(TypeName(tensor)));
        terminal.WriteTable(table);
        if (file.Tensors.Count > MostRows)
            terminal.Results.WriteLine($"and {file.Tensors.Count - MostRows} more tensors (--json has all of them)");
        terminal.Results.WriteLine($"{path}: intact {format} file, {file.Tensors.Count} tensors, "
            + $"{file.Tensors.Values.Sum(tensor => tensor.Values.LongLength):N0} numbers");
        return Task.FromResult(0);
    }

    /// <summary>Writes the tensors of another tool's file as .safetensors; for a checkpoint of Convolve, also its description.</summary>
    /// <exception cref="UserError">The file cannot be read, or the output cannot be written.</exception>
    public static Task<int> Import(WeightImportSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        (var path, var output, var raw) = (settings.File, settings.Out, settings.Raw);
        if (Path.GetExtension(output).ToLowerInvariant() != ".safetensors")
            throw new UserError($"--out {output}: is written as .safetensors; give it that ending");
        var file = WeightFile.Read(path);
        if (Checkpoint.Is(file))
        {
            // It already has the layout. Without its description it would lose its classes, preprocessing and threshold.
            Checkpoint.Read(path).WriteWhole(output);
            terminal.Results.WriteLine(
                $"{output}: {file.Tensors.Count} tensors of {path} (checkpoint of Convolve) as float32, with its description");
            return Task.FromResult(0);
        }
        var tensors = raw ? file.Tensors : ConvolveLayout.Of(file);
        WeightFile.WriteSafeTensors(output, tensors, raw ? file.Layout : TensorLayout.Convolve);
        var changed = tensors.Count(tensor => !ReferenceEquals(tensor.Value, file.Tensors[tensor.Key]));
        terminal.Results.WriteLine($"{output}: {tensors.Count} tensors of {path} ({WeightFile.Name(file.Format)}) as float32, "
            + (raw ? "in the layout of the file" : $"{changed} of them put into Convolve's layout"));
        return Task.FromResult(0);
    }

    /// <summary>Writes the best weights of a run: whole as .safetensors, or its tensors as .npz.</summary>
    /// <exception cref="UserError">There is no such run, or the file cannot be written.</exception>
    public static Task<int> Export(WeightExportSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        (var run, var output) = (settings.Run, settings.Out);
        var ending = Path.GetExtension(output).ToLowerInvariant();
        if (ending is not (".safetensors" or ".npz"))
            throw new UserError($"--out {output}: can be written as .safetensors or .npz; give it one of these endings");
        var checkpoint = Checkpoint.Read(RunFolder.BestPath(run));
        IReadOnlyList<string>? classes = null;
        if (ending == ".npz") WeightFile.WriteNpz(output, InOrderOfNames(checkpoint, RunFolder.BestPath(run), out classes));
        else checkpoint.WriteParameters(output);
        terminal.Results.WriteLine($"{output}: {checkpoint.Parameters.Count} tensors of {RunFolder.BestPath(run)}"
            + (classes is null ? "" : ", which do not name their classes: "
                + $"{string.Join(", ", classes.Select((name, number) => $"{number} = {name}"))}, in the order of the names"));
        return Task.FromResult(0);
    }

    // Readers of tensors without a description number the classes in the order of their names. If the positive class comes first in that
    // order, the single logit is negated, so that it belongs to the class that comes second.
    private static IEnumerable<KeyValuePair<string, StoredTensor>> InOrderOfNames(Checkpoint checkpoint, string path,
        out IReadOnlyList<string>? classes)
    {
        using var network = checkpoint.Describe();
        classes = ModelMetadata.Read(checkpoint, path, network.OutputShape.Length).Classes;
        if (classes is not [var first, var second] || network.OutputShape.Length != 1 || string.CompareOrdinal(first, second) < 0)
            return checkpoint.Parameters;
        classes = [second, first];
        HashSet<string> last = [.. network.Layers[^1].Parameters.Select(parameter => parameter.Name)];
        return checkpoint.Parameters.Select(tensor => !last.Contains(tensor.Key) ? tensor
            : KeyValuePair.Create(tensor.Key, tensor.Value with { Values = Array.ConvertAll(tensor.Value.Values, value => -value) }))
                .ToList();
    }

    private static string TypeName(StoredTensor tensor) => tensor.Type.ToString().ToLowerInvariant();
}
