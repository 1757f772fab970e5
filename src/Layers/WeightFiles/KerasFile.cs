using Convolve.Layers.WeightFiles.Hdf5;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Keras' HDF5 files: a group with the attribute <c>layer_names</c> (the root of a weights file, <c>model_weights</c> of a whole model)
/// holds a group for each layer, whose attribute <c>weight_names</c> names its datasets in order. In other HDF5 files every dataset of
/// numbers is a tensor.
/// </summary>
internal static class KerasFile
{
    private const string LayerNames = "layer_names", WeightNames = "weight_names", WeightsOfModel = "model_weights";

    // Nested groups, far more than any layer's path has.
    private const int DeepestGroup = 32;

    /// <summary>Reads all tensors, under their paths below the group of the weights, in the order in which the file names them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="budget">The memory that reading may take.</param>
    /// <exception cref="FormatException">A dataset that the file names is missing, holds no numbers, or lies in another file.</exception>
    public static OrderedDictionary<string, StoredTensor> Read(string path, AllocationBudget budget)
    {
        using var file = new Hdf5File(path, budget);
        var datasets = new Hdf5Datasets(file);
        var weights = !HasLayers(file, file.Root) && file.Links(file.Root).ContainsKey(WeightsOfModel)
            ? file.Find(file.Root, WeightsOfModel) is { IsGroup: true } ofModel ? ofModel
            : throw new FormatException($"{WeightsOfModel} is no group")
            : file.Root;
        var tensors = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        if (!HasLayers(file, weights))
        {
            ReadAll(file, datasets, weights, "", 0, new Dictionary<ulong, string> { [weights.Address] = "/" }, tensors);
            return tensors;
        }
        foreach (var layer in Names(file, weights, LayerNames))
        {
            var group = file.Find(weights, layer) ?? throw new FormatException($"names the layer {layer}, which is missing");
            foreach (var weight in Names(file, group, WeightNames))
            {
                var name = $"{layer}/{weight}";
                var dataset = file.Find(group, weight)
                    ?? throw new FormatException($"layer {layer} names the weight {weight}, which is missing");
                if (!dataset.IsDataset) throw new FormatException($"{name} is no dataset");
                if (!tensors.TryAdd(name, datasets.Read(name, dataset))) throw new FormatException($"names {name} twice");
            }
        }
        return tensors;
    }

    private static bool HasLayers(Hdf5File file, Hdf5Object group) =>
        file.HasAttribute(group, LayerNames) || file.HasAttribute(group, LayerNames + "0");

    // A group with several paths may double the number of paths at every level, or contain itself.
    private static void ReadAll(
        Hdf5File file, Hdf5Datasets datasets, Hdf5Object group, string prefix, int depth,
        Dictionary<ulong, string> visited, OrderedDictionary<string, StoredTensor> tensors)
    {
        if (depth > DeepestGroup) throw new FormatException($"groups are nested more than {DeepestGroup} deep at {prefix}");
        foreach (var (name, link) in file.Links(group))
        {
            var path = prefix + name;
            file.Bytes.AllocationBudget.TakeText(path.Length, path);
            var child = file.Follow(group, name, link);
            if (child.IsGroup)
            {
                if (!visited.TryAdd(child.Address, path))
                    throw new FormatException(
                        $"the group {path} is the group {visited[child.Address]} again; groups that are shared or hold one another are not "
                        + "read");
                ReadAll(file, datasets, child, path + "/", depth + 1, visited, tensors);
            }
            else if (child.IsDataset && datasets.TypeOf(child).IsNumeric)
            {
                tensors[path] = datasets.Read(path, child);
            }
        }
    }

    // Keras splits a list that is too long for one attribute into weight_names0, weight_names1, …
    private static string[] Names(Hdf5File file, Hdf5Object group, string attribute)
    {
        if (file.HasAttribute(group, attribute)) return file.Texts(group, attribute);
        var names = new List<string>();
        for (var part = 0; file.HasAttribute(group, $"{attribute}{part}"); part++) names.AddRange(file.Texts(group, $"{attribute}{part}"));
        return [.. names];
    }
}
