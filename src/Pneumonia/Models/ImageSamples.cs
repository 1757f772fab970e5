using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Models;

/// <summary>Images as training takes them, with their classes in the order of the model's outputs.</summary>
/// <param name="store">The images.</param>
/// <param name="classes">Names of the classes in the model's order.</param>
public sealed class ImageSamples(ImageStore store, IReadOnlyList<string> classes) : ISampleSource
{
    private readonly int[] places = [.. store.Classes.Select(name => classes.ToList().IndexOf(name))];

    /// <summary>The images themselves.</summary>
    public ImageStore Store => store;

    /// <inheritdoc/>
    public int Count => store.Count;

    /// <inheritdoc/>
    public int SampleLength => store.Pixels * store.Pixels * store.Channels;

    /// <inheritdoc/>
    public bool IsUsable(int index) => store.IsUsable(index);

    /// <inheritdoc/>
    public void CopyPixels(int index, Span<byte> target) => store[index].CopyTo(target);

    /// <inheritdoc/>
    public int ClassOf(int index) => places[store.ClassIndex(index)];
}
