using Convolve.Engine.Kernels;
using Convolve.Inspection;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Kernels;

/// <summary>One row of <c>kernels list</c>.</summary>
/// <param name="Name">The name for <c>kernels show</c>.</param>
/// <param name="Operation">The operation that it belongs to.</param>
/// <param name="Shape">cpu, gpu, or any.</param>
/// <param name="MinArch">The oldest NVIDIA architecture that can run it, e.g. sm_75.</param>
/// <param name="Hot">Whether it dominates the time of a training step.</param>
public sealed record KernelRow(string Name, string Operation, KernelTarget Shape, string MinArch, bool Hot);

/// <summary>Settings of <c>kernels list</c>.</summary>
public sealed record KernelListSettings
{
    [Json]
    public bool Json { get; init; }
}

/// <summary>Lists the engine's kernels.</summary>
public static class KernelList
{
    public static Task<int> RunAsync(KernelListSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        KernelRow[] rows = [.. KernelCatalogue.All.Select(kernel =>
            new KernelRow(kernel.Name, kernel.Operation, kernel.Target, kernel.MinimalArchitecture.Name, kernel.IsHot))];
        if (settings.Json)
        {
            terminal.WriteJson(rows);
            return Task.FromResult(0);
        }
        var table = new Table().Border(TableBorder.Simple);
        foreach (var name in new[] { "name", "operation", "shape", "from", "hot" }) table.AddColumn(new TableColumn(name).NoWrap());
        foreach (var row in rows)
        {
            table.AddRow(new Text(row.Name), new Text(row.Operation), new Text(row.Shape.ToString().ToLowerInvariant()),
                new Text(row.MinArch),
                new Text(row.Hot ? "hot" : ""));
        }
        terminal.WriteTable(table, 1, 3);
        return Task.FromResult(0);
    }
}
