using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// The activations of a layer for an image and the gradient of a class's score with respect to them: what maps of the class are made of.
/// </summary>
internal sealed class LayerEvidence
{
    private readonly Shape units;
    private readonly ReceptiveField field;
    private readonly Shape image;

    private LayerEvidence(float[] activations, float[] gradient, Shape units, ReceptiveField field, Shape image)
    {
        (Activations, Gradient) = (activations, gradient);
        (this.units, this.field, this.image) = (units, field, image);
    }

    /// <summary>[Rows, Columns, Channels].</summary>
    public float[] Activations { get; }

    /// <summary>∂score/∂activation, [Rows, Columns, Channels].</summary>
    public float[] Gradient { get; }

    /// <summary>Rows of units.</summary>
    public int Rows => units[0];

    /// <summary>Columns of units.</summary>
    public int Columns => units[1];

    /// <summary>Channels of every unit.</summary>
    public int Channels => units[2];

    /// <summary>Runs the network up to a layer, and back to it from a class's score.</summary>
    /// <param name="method">The name of the method, for the error.</param>
    /// <param name="network">The network, on its device.</param>
    /// <param name="image">The input for one image, [1,H,W,C]: see <see cref="NetworkInput"/>.</param>
    /// <param name="classIndex">The class, in the order of the network's outputs.</param>
    /// <param name="layer">The layer; by default <see cref="GradCam.DefaultLayer"/>.</param>
    /// <exception cref="ArgumentException">The layer has no spatial output, or is the last one.</exception>
    public static LayerEvidence Of(string method, Sequential network, Tensor image, int classIndex, int? layer)
    {
        var at = layer ?? GradCam.DefaultLayer(network)
            ?? throw new ArgumentException($"{method}: no layer of the network has a spatial output");
        if (ReceptiveField.Of(network, at) is not { } field || at + 1 >= network.Layers.Count)
            throw new ArgumentException($"{method}: layer {network.Layers[at].Name} has no spatial output that later layers use");
        using var activations = network.Part(0, at + 1).Predict(image);
        using var upstream = Tensor.FromValues(image.Device, new Shape(1, network.OutputShape.Length),
            ClassScore.Gradient(network.OutputShape.Length, classIndex));
        using var gradient = network.Part(at + 1, network.Layers.Count).InputGradient(activations, upstream);
        return new LayerEvidence(activations.ToArray(), gradient.ToArray(), network.Layers[at].OutputShape, field, network.InputShape);
    }

    /// <summary>Values of all units as a map of the image's size.</summary>
    /// <param name="values">[Rows, Columns].</param>
    public HeatMap Spread(ReadOnlySpan<float> values) => HeatMap.Spread(values, Rows, Columns, field, image[0], image[1]);
}
