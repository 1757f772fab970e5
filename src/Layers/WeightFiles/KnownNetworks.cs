using Convolve.Engine.Tensors;
using Convolve.Layers.Networks;

namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Recognizes the network of a file that does not describe one: tensors and parameters must match one to one. If several image sizes lead
/// to the same tensors, since pooling drops the remainder, the most usual size is chosen.
/// </summary>
public static class KnownNetworks
{
    private const int MostPixels = 1024;

    // The sizes of the reference experiments and of ImageNet first.
    private static readonly int[] usualPixels = [150, 210, 224];

    /// <summary>The network of a file, without memory yet; null if it is not a known one.</summary>
    /// <param name="file">The file, its tensors in the layout of Convolve.</param>
    /// <param name="pixels">Width and height of the images; null if unknown.</param>
    public static Sequential? Of(WeightFile file, int? pixels = null)
    {
        if (file.Layout != TensorLayout.Convolve)
            throw new ArgumentException($"known networks: put {file.Path} into the layout of Convolve first");
        StoredTensor[] kernels = [.. file.Tensors.Values.Where(tensor => tensor.Shape.Length == 4)];
        StoredTensor[] dense = [.. file.Tensors.Values.Where(tensor => tensor.Shape.Length == 2)];
        if (dense.Length == 0) return null;
        var channels = kernels.Length > 0 ? kernels[0].Shape[2] : 3;
        var (head, outputs) = (dense.Length > 1 ? dense[^2].Shape[1] : 0, dense[^1].Shape[1]);
        var builders = new List<Func<int, Sequential>>();
        if (kernels.Length == 0)
            builders.AddRange(new[] { 3, 1 }.Select(c => (Func<int, Sequential>)(side => ReferenceNetworks.Mlp(side, c, outputs))));
        if (kernels.Length == 4)
            builders.AddRange(new[] { false, true }.Select(same =>
                (Func<int, Sequential>)(side => ReferenceNetworks.Cnn(side, channels, outputs, samePadding: same))));
        // A global mean takes images of any size.
        if (kernels.Length > 0 && dense.Length == 1) builders.Add(side => CompactNetwork.Build(side, channels, outputs));
        if (kernels.Length > 0 && dense.Length == 2)
            builders.AddRange(Cuts(kernels.Length).Select(until =>
                (Func<int, Sequential>)(side => ReferenceNetworks.Vgg19(side, channels, outputs, head, until))));
        if (kernels.Length == 16 && dense.Length == 3) builders.Add(side => Published(side, channels, dense[0].Shape[1], head, outputs));
        // Pooling drops the remainder, so several sizes may lead to the same tensors; usual sizes come first.
        var (tensors, numbers) = (file.Tensors.Count, file.Tensors.Values.Sum(tensor => tensor.Values.LongLength));
        foreach (var build in builders)
        {
            var sides = pixels is { } given ? [given] : SidesWith(build, numbers);
            if (sides.Count == 0) continue;
            var side = usualPixels.FirstOrDefault(sides.Contains, sides[0]);
            if (Built(build, side) is { } network && network.Parameters.Count() == tensors && network.ParameterCount == numbers
                && Fits(file, network)) return network;
        }
        return null;
    }

    // The number of values grows with the number of pixels, so the sizes that match are consecutive, and found by bisection.
    private static List<int> SidesWith(Func<int, Sequential> build, long numbers)
    {
        // Too small for the network's poolings.
        long Numbers(int side) => Built(build, side)?.ParameterCount ?? -1;
        var (low, high) = (1, MostPixels + 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Numbers(middle) < numbers) low = middle + 1;
            else high = middle;
        }
        int[] candidates = [.. usualPixels.Where(side => side >= low), low];
        return [.. candidates.Where(side => side <= MostPixels && Numbers(side) == numbers).Order()];
    }

    /// <summary>VGG19 as published, with its three dense layers and their names in Keras.</summary>
    private static Sequential Published(int pixels, int channels, int first, int second, int outputs) =>
        new(new Shape(pixels, pixels, channels),
    [
        .. ReferenceNetworks.Vgg19Base(),
        new Flatten { Name = "flatten" },
        new Dense(first) { Name = "fc1", Activation = ActivationFunction.Relu },
        new Dense(second) { Name = "fc2", Activation = ActivationFunction.Relu },
        new Dense(outputs) { Name = "predictions" },
    ]);

    // Where VGG19's base may have been cut for that number of convolutions: after a block's pooling rather than before it.
    private static IEnumerable<string> Cuts(int convolutions)
    {
        var layers = ReferenceNetworks.Vgg19BaseLayers;
        var seen = 0;
        for (var i = 0; i < layers.Count; i++)
        {
            if (layers[i].Contains("conv", StringComparison.Ordinal)) seen++;
            if (seen != convolutions) continue;
            if (i + 1 < layers.Count && layers[i + 1].EndsWith("pool", StringComparison.Ordinal)) yield return layers[i + 1];
            yield return layers[i];
            yield break;
        }
    }

    private static Sequential? Built(Func<int, Sequential> build, int pixels)
    {
        try { return build(pixels); }
        catch (Exception e) when (e is ArgumentException or OverflowException) { return null; }
    }

    private static bool Fits(WeightFile file, Sequential network)
    {
        var pretrained = new PretrainedWeights(file, network.Layers);
        return pretrained.Missing.Count == 0 && pretrained.Misshapen.Count == 0 && pretrained.Unexpected.Count == 0;
    }
}
