using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Parameters;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>Builds the networks of <c>--model</c>.</summary>
public static class ModelChoice
{
    /// <summary>Checks that no network is chosen beside a run, which has its own.</summary>
    /// <exception cref="UserError">One is.</exception>
    public static void RequireNone(string command, string? run, ModelKind? model, int? pixels)
    {
        if (run is not null && (model is not null || pixels is not null))
            throw new UserError($"{command}: --run has its own model and size; leave --model and --pixels out");
    }

    /// <summary>Builds a network without allocating its parameters.</summary>
    /// <param name="model">Which.</param>
    /// <param name="pixels">Width and height of its images.</param>
    /// <param name="classes">Two classes give one logit, more give one each.</param>
    /// <param name="options">How it is built; with the defaults if omitted.</param>
    /// <exception cref="UserError">The images are too small or too large for the network.</exception>
    public static Sequential Build(ModelKind model, int pixels, int classes, NetworkOptions? options = null)
    {
        options ??= new NetworkOptions();
        try
        {
            return BuildAny(model, pixels, classes == 2 ? 1 : classes, options);
        }
        catch (ArgumentException e)
        {
            var name = model.ToString().ToLowerInvariant();
            var smallest = SmallestPixels(model, options.SamePadding);
            if (pixels < smallest) throw UserError.From(e, $"--pixels {pixels}: too small for {name}, use at least {smallest}");
            throw LargestPixels(smallest, pixels - 1, CanBuild) is { } largest
                ? new UserError($"--pixels {pixels}: too large for {name}, use at most {largest}: one of its tensors would have more than "
                    + "2³¹ elements")
                : UserError.From(e, $"{name}: cannot be built with these options, whatever the --pixels");
        }

        bool CanBuild(int side)
        {
            try { BuildAny(model, side, classes == 2 ? 1 : classes, options).Dispose(); }
            catch (ArgumentException) { return false; }
            return true;
        }
    }

    // Unallocated networks cost almost nothing; the larger the images, the larger their tensors.
    private static int? LargestPixels(int smallest, int largest, Func<int, bool> canBuild)
    {
        if (smallest > largest || !canBuild(smallest)) return null;
        while (smallest < largest)
        {
            var middle = (int)((smallest + (long)largest + 1) / 2);
            if (canBuild(middle)) smallest = middle;
            else largest = middle - 1;
        }
        return smallest;
    }

    private static Sequential BuildAny(ModelKind model, int pixels, int outputs, NetworkOptions options) => model switch
    {
        ModelKind.Mlp => ReferenceNetworks.Mlp(pixels, outputs: outputs),
        ModelKind.Cnn => ReferenceNetworks.Cnn(pixels, outputs: outputs, dropout: options.Dropout,
            denseDropout: options.DenseDropout, l1: options.L1, l2: options.L2, samePadding: options.SamePadding,
            flattenDropout: options.FlattenDropout),
        ModelKind.Compact => CompactNetwork.Build(pixels, outputs: outputs, dropout: options.Dropout,
            denseDropout: options.DenseDropout, l1: options.L1, l2: options.L2),
        _ => ReferenceNetworks.Vgg19(pixels, outputs: outputs, head: options.Head,
            until: options.Until ?? ReferenceNetworks.Vgg19BaseLayers[^1], denseDropout: options.DenseDropout),
    };

    /// <summary>Number of layers in the base of a network; 0 if it has no base and head.</summary>
    public static int BaseLength(ModelKind model, Sequential network) =>
        model == ModelKind.Vgg19 ? network.Layers.ToList().FindIndex(layer => layer.Name == ReferenceNetworks.Vgg19Head) : 0;

    /// <summary>Freezes the base as planned, and sets the learning rate of its trained layers.</summary>
    public static void Freeze(Sequential network, int baseLength, NetworkOptions options)
    {
        var frozen = options.Freeze switch
        {
            null => 0,
            NetworkOptions.FreezeAll => baseLength,
            var last => network.Layers.ToList().FindIndex(layer => layer.Name == last) + 1,
        };
        foreach (var layer in network.Layers.Take(frozen)) layer.Trainable = false;
        if (options.BaseLearningRateFactor is not { } factor) return;
        foreach (var parameter in network.Layers.Take(baseLength).SelectMany(layer => layer.Parameters))
            parameter.LearningRateFactor = factor;
    }

    /// <summary>The smallest image size for a network.</summary>
    public static int SmallestPixels(ModelKind model, bool samePadding) => model switch
    {
        ModelKind.Mlp => 1,
        ModelKind.Cnn => samePadding ? 16 : 46,
        ModelKind.Compact => CompactNetwork.SmallestPixels,
        _ => 32,
    };
}
