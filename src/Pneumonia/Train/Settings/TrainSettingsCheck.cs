using Convolve.Layers.Networks;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>Finds settings of a training that contradict each other.</summary>
internal static class TrainSettingsCheck
{
    /// <exception cref="UserError">Two settings contradict each other; the message says what to do.</exception>
    public static void Require(TrainSettings settings)
    {
        if (settings.Data is null) RequireSynthetic(settings);
        if (settings.Fractions is not null && settings.Split is SplitKind.Folders or SplitKind.Reference)
            throw new UserError($"--fractions: the parts of --split {Setting.TextOf(settings.Split)} are fixed; leave one of the two out");
        if (settings.Resume && settings.Out is null)
            throw new UserError("--resume: which run? give its folder with --out DIR");
        RequireUse(settings);
        if (settings.Model == ModelKind.Vgg19) RequireTransfer(settings);
        if (settings.FindLearningRate && (settings.Out is not null || settings.Resume))
            throw new UserError("--find-learning-rate: trains and writes nothing; leave --out and --resume out");
        if (settings.Model == ModelKind.Compact && settings.Preprocessing.IsForColours())
            throw new UserError(
                $"--preprocessing {Setting.TextOf(settings.Preprocessing)}: is for colours, and compact reads gray images; leave it out");
        if (settings.FindLearningRate && settings.Features)
            throw new UserError("--find-learning-rate: sweeps the whole network; leave --features out");
    }

    private static void RequireSynthetic(TrainSettings settings)
    {
        if (settings.Split is not null)
            throw new UserError("--split: synthetic images have parts of their own; give --data DIR, or leave --split out");
        if (settings.Fractions is not null)
            throw new UserError("--fractions: synthetic images have parts of their own; give --data DIR, or leave --fractions out");
        if (settings.Patient is not null)
            throw new UserError("--patient: synthetic images have no patients; give --data DIR, or leave --patient out");
        if (settings.Limit < SyntheticXrays.Classes.Count)
            throw new UserError(
                $"--limit {settings.Limit}: keeps fewer images than there are classes; give {SyntheticXrays.Classes.Count} or more");
        if (settings.Positive is not null)
            throw new UserError($"--positive {settings.Positive}: synthetic images have PNEUMONIA as their positive class; give --data "
                + "DIR, or leave --positive out");
        if (settings.Labels == LabelScheme.Three)
            throw new UserError("--labels three: synthetic images have two classes; give --data DIR, or leave --labels out");
    }

    // A setting that a model does not support would be recorded in config.json as if used.
    private static void RequireUse(TrainSettings settings)
    {
        var model = Setting.TextOf(settings.Model);
        foreach (var setting in Setting.Of(typeof(TrainSettings)))
        {
            if (setting.Attribute<OnlyForAttribute>() is not { } only || only.Models.Contains(settings.Model)
                || !settings.IsAsked(setting.Name)) continue;
            throw only.Models is [ModelKind.Vgg19] ? WithoutBase(setting.OptionName)
                : new UserError($"{setting.OptionName}: {model} has no place for it, only "
                    + $"{string.Join(", ", only.Models.Select(other => Setting.TextOf(other)))}; leave it out");
        }
        if (settings.Model != ModelKind.Vgg19 && settings.Weights == StartingWeights.ImageNet)
            throw WithoutBase($"--weights {StartingWeights.ImageNet}");

        UserError WithoutBase(string option) =>
            new($"{option}: {model} is not made of a base and a head; give --model vgg19, or leave it out");
    }

    private static void RequireTransfer(TrainSettings settings)
    {
        var layers = ReferenceNetworks.Vgg19BaseLayers;
        if (settings.Until is { } until && !layers.Contains(until))
            throw new UserError($"--until {until}: vgg19's base has no such layer; its layers are {string.Join(", ", layers)}");
        string[] kept = [.. layers.Take(settings.Until is null ? layers.Count : layers.ToList().IndexOf(settings.Until) + 1)];
        var freezesSome = settings.Freeze is not (null or NetworkOptions.FreezeAll);
        if (freezesSome && !kept.Contains(settings.Freeze))
            throw new UserError(
                $"--freeze {settings.Freeze}: is neither all, none, nor a layer of the base; its layers are {string.Join(", ", kept)}");
        if (settings.Weights is null && settings.Freeze is not null)
            throw new UserError($"--freeze {settings.Freeze}: the base would stay random; give its weights with --weights FILE");
        // Nothing is left to train if no convolution follows the last frozen layer.
        var frozen = settings.Freeze == NetworkOptions.FreezeAll
            || (freezesSome && !kept.SkipWhile(layer => layer != settings.Freeze).Skip(1)
                .Any(layer => layer.Contains("conv", StringComparison.Ordinal)));
        if (settings.BaseLearningRate is not null && frozen)
            throw new UserError("--base-learning-rate: the whole base is frozen; unfreeze it with --freeze none or --freeze LAYER, or "
                + "leave this out");
        if (!settings.Features) return;
        if (!frozen)
            throw new UserError("--features: needs a base that stays as it is; give its weights with --weights FILE, and leave "
                + "--freeze out");
        if (settings.Augment)
            throw new UserError("--features: are computed once, augmentation makes other images; leave --augment out, or train without "
                + "--features");
    }
}
