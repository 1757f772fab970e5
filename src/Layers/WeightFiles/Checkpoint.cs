using System.Globalization;
using System.Text.Json.Nodes;
using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// A network in one .safetensors file: parameters under their names, the network's description in the metadata, and for resuming the
/// optimizer's state and the position in the run. It contains no time, path or name of a machine, so equal trainings write equal bytes.
/// </summary>
public sealed class Checkpoint
{
    private const string FormatName = "convolve-1";
    private const string OptimizerPrefix = "optimizer/";

    // Descriptions have thousands of characters; a million of them would take thirty million bytes when parsed as JSON.
    private const int LongestDescription = 1 << 20;

    private readonly SafeTensors file;
    private readonly string path;

    private Checkpoint(SafeTensors file, string path)
    {
        this.file = file;
        this.path = path;
    }

    /// <summary>What the application stored beside the network: class names, image size, preprocessing.</summary>
    public JsonObject Application { get; private init; } = [];

    /// <summary>The position in the run, as passed to <see cref="Write"/>; null in a file of weights only.</summary>
    public JsonObject? Run { get; private init; }

    /// <summary>Writes a checkpoint; see <see cref="SafeTensors.Write"/> for what a reader sees meanwhile.</summary>
    /// <param name="path">The file.</param>
    /// <param name="network">The parameters to store.</param>
    /// <param name="application">What prediction needs besides the network.</param>
    /// <param name="optimizer">Its state is stored, to resume training.</param>
    /// <param name="run">The position in the run, to resume training.</param>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public static void Write(string path, Sequential network, JsonObject application, Optimizer? optimizer = null, JsonObject? run = null)
    {
        var file = new SafeTensors();
        file.Metadata["format"] = FormatName;
        file.Metadata["network"] = NetworkDescription.ToJson(network).ToJsonString();
        file.Metadata["application"] = application.ToJsonString();
        foreach (var parameter in network.Parameters) file.Add(parameter.Name, [.. parameter.Shape.Sizes], parameter.Value.ToArray());
        if (optimizer is not null)
        {
            file.Metadata["optimizer"] = optimizer.Kind;
            file.Metadata["optimizer_steps"] = optimizer.Steps.ToString(CultureInfo.InvariantCulture);
            foreach (var (name, tensor) in optimizer.State) file.Add(OptimizerPrefix + name, [.. tensor.Shape.Sizes], tensor.ToArray());
        }
        if (run is not null) file.Metadata["run"] = run.ToJsonString();
        file.Write(path);
    }

    /// <summary>Whether a file is a checkpoint of Convolve, of any network, rather than a weight file of another tool.</summary>
    /// <exception cref="WeightFileException">The file begins like .safetensors but is damaged.</exception>
    public static bool Is(WeightFile file) =>
        file.Format == WeightFormat.SafeTensors && SafeTensors.ReadMetadata(file.Path).GetValueOrDefault("format") == FormatName;

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="WeightFileException">It is missing, damaged, or a weight file of another tool.</exception>
    public static Checkpoint Read(string path)
    {
        var file = SafeTensors.Read(path);
        if (file.Metadata.GetValueOrDefault("format") != FormatName)
            throw new WeightFileException($"{path}: is no checkpoint of Convolve (its metadata has no \"format\": \"{FormatName}\")");
        try
        {
            return new Checkpoint(file, path)
            {
                Application = Json(file, "application", "{}").AsObject(),
                Run = file.Metadata.ContainsKey("run") ? Json(file, "run", "{}").AsObject() : null,
            };
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException or InvalidOperationException)
        {
            throw new WeightFileException($"{path}: its metadata is broken: {e.Message}", e);
        }
    }

    private static JsonNode Json(SafeTensors file, string key, string missing) =>
        file.Metadata.GetValueOrDefault(key, missing) is var text && text.Length <= LongestDescription
        ? JsonNode.Parse(text) ?? throw new FormatException($"its {key} is null")
        : throw new FormatException($"its {key} is {text.Length} letters long; {LongestDescription} are the most");

    /// <summary>The network's tensors, without the optimizer's state.</summary>
    public IReadOnlyList<KeyValuePair<string, StoredTensor>> Parameters =>
        [.. file.Tensors.Where(tensor => !tensor.Key.StartsWith(OptimizerPrefix, StringComparison.Ordinal))];

    /// <summary>Writes only the network: a checkpoint for prediction, from which training cannot resume.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void WriteParameters(string target)
    {
        var alone = new SafeTensors();
        foreach (var key in new[] { "format", "network", "application" })
            if (file.Metadata.TryGetValue(key, out var value)) alone.Metadata[key] = value;
        foreach (var (name, tensor) in Parameters) alone.Add(name, tensor.Shape, tensor.Values);
        alone.Write(target);
    }

    /// <summary>Writes everything that was read, description and training state included, with float32 values.</summary>
    /// <exception cref="WeightFileException">The file cannot be written.</exception>
    public void WriteWhole(string target) => file.Write(target);

    /// <summary>The stored network without its weights: layers and shapes.</summary>
    /// <exception cref="WeightFileException">The description is damaged or does not fit the tensors.</exception>
    public Sequential Describe()
    {
        try
        {
            var network = NetworkDescription.FromJson(Json(file, "network", "{}"));
            RequireFit(network);
            return network;
        }
        catch (Exception e) when (e is FormatException or System.Text.Json.JsonException)
        {
            throw new WeightFileException($"{path}: {e.Message}", e);
        }
    }

    /// <summary>Builds the stored network and puts it on a device.</summary>
    /// <exception cref="WeightFileException">The description is damaged or does not fit the tensors.</exception>
    public Sequential Build(Device device)
    {
        var network = Describe().Initialize(device, 0);
        LoadInto(network);
        return network;
    }

    /// <summary>Overwrites the parameters of a network of the same architecture.</summary>
    /// <exception cref="WeightFileException">The architectures differ, and the message lists how; or a value is NaN or
    /// infinite.</exception>
    public void LoadInto(Sequential network)
    {
        RequireFit(network);
        if (network.Parameters.FirstOrDefault(parameter => !file.Tensors[parameter.Name].IsFinite) is { } broken)
            throw new WeightFileException($"{path}: {broken.Name} holds values that are no numbers; train it again, or take another file");
        foreach (var parameter in network.Parameters) parameter.Value.CopyFrom(file.Tensors[parameter.Name].Values);
    }

    /// <summary>Restores the optimizer's state.</summary>
    /// <exception cref="WeightFileException">The file has no state, or that of another optimizer.</exception>
    public void Restore(Optimizer optimizer, Device device)
    {
        var kind = file.Metadata.GetValueOrDefault("optimizer");
        if (kind != optimizer.Kind)
            throw new WeightFileException(
                $"{path}: holds the state of {kind ?? "no optimizer"}, not of {optimizer.Kind}; resume with the settings of the run");
        if (!long.TryParse(file.Metadata.GetValueOrDefault("optimizer_steps"), NumberStyles.None, CultureInfo.InvariantCulture,
            out var steps))
            throw new WeightFileException($"{path}: does not say how many steps the optimizer took");
        optimizer.Steps = steps;
        foreach (var (name, tensor) in file.Tensors)
            if (name.StartsWith(OptimizerPrefix, StringComparison.Ordinal))
                optimizer.Restore(name[OptimizerPrefix.Length..], Tensor.FromValues(device, new Shape(tensor.Shape), tensor.Values));
    }

    /// <summary>Checks that the file has a network with the same parameters; it needs no memory yet.</summary>
    /// <exception cref="WeightFileException">The architectures differ; the message lists how.</exception>
    public void RequireFit(Sequential network)
    {
        var problems = new List<string>();
        var expected = network.Parameters.ToDictionary(p => p.Name);
        foreach (var parameter in expected.Values)
            if (!file.Tensors.TryGetValue(parameter.Name, out var tensor)) problems.Add($"{parameter.Name} is missing");
            else if (!parameter.Shape.Sizes.AsSpan().SequenceEqual(tensor.Shape))
                problems.Add($"{parameter.Name} is [{string.Join(',', tensor.Shape)}] instead of {parameter.Shape}");
        foreach (var name in file.Tensors.Keys)
            if (!name.StartsWith(OptimizerPrefix, StringComparison.Ordinal) && !expected.ContainsKey(name))
                problems.Add($"{name} is unexpected");
        if (problems.Count == 0) return;
        var shown = string.Join(", ", problems.Take(4)) + (problems.Count > 4 ? $" and {problems.Count - 4} more" : "");
        throw new WeightFileException($"{path}: holds another network: {shown}");
    }
}
