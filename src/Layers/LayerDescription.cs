using System.Text.Json.Nodes;

namespace Convolve.Layers;

/// <summary>A layer that can be built from its description in a file.</summary>
internal interface IDescribedLayer
{
    /// <summary>The layer's <see cref="Layer.Kind"/>.</summary>
    static abstract string KindInFiles { get; }

    /// <summary>Builds the layer that wrote a description (<see cref="Layer.Settings"/>).</summary>
    /// <exception cref="FormatException">The description lacks a setting or has one that makes no sense.</exception>
    static abstract Layer Build(LayerDescription description);
}

/// <summary>One layer in a file: kind, name and settings.</summary>
internal sealed class LayerDescription(JsonNode json)
{
    public string Kind => Required<string>("kind");

    public string Name => (string?)json["name"] ?? throw new FormatException("a layer has no \"name\"");

    /// <summary>A setting that the file must have.</summary>
    /// <exception cref="FormatException">It is missing.</exception>
    /// <exception cref="InvalidOperationException">It is of another type.</exception>
    public T Required<T>(string key) => json[key] is { } value ? value.GetValue<T>()
        : throw new FormatException($"layer {Name} has no \"{key}\"");

    /// <summary>A setting that files leave out where it has its default.</summary>
    /// <exception cref="InvalidOperationException">It is of another type.</exception>
    public T Optional<T>(string key, T otherwise) => json[key] is { } value ? value.GetValue<T>() : otherwise;

    /// <summary>An activation function by its name.</summary>
    /// <exception cref="FormatException">It is missing, or there is none of that name.</exception>
    public ActivationFunction Function(string key)
    {
        var text = Required<string>(key);
        foreach (var function in Enum.GetValues<ActivationFunction>())
            if (function.NameInFiles() == text) return function;
        throw new FormatException($"unknown activation \"{text}\"");
    }
}

/// <summary>Words of the files.</summary>
internal static class FileNames
{
    /// <summary>The function's name in files, e.g. <c>relu</c>.</summary>
    public static string NameInFiles(this ActivationFunction function) => function.ToString().ToLowerInvariant();
}
