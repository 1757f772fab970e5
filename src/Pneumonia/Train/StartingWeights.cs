using System.Security.Cryptography;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Models;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// The starting weights of a training: those of a base in a weight file of any tool, or base and head of a checkpoint of the
/// same network. Mismatches are found before anything is computed.
/// </summary>
public sealed class StartingWeights
{
    /// <summary>The value of <c>--weights</c> for the published weights of the network.</summary>
    public const string ImageNet = "imagenet";

    private readonly Checkpoint? checkpoint;
    private readonly WeightFile? file;
    private readonly int filled;

    private StartingWeights(
        string path, Checkpoint? checkpoint, WeightFile? file, int filled, WeightOrigin? origin = null, Preprocessing? guess = null,
        ModelMetadata? metadata = null)
    {
        this.checkpoint = checkpoint;
        this.file = file;
        this.filled = filled;
        using var stream = File.OpenRead(path);
        Fingerprint = $"{Path.GetFileName(path)} {Convert.ToHexStringLower(SHA256.HashData(stream))[..16]}";
        Preprocessing = metadata?.Preprocessing ?? origin?.Preprocessing;
        Remark = origin is { } known
            ? $"{path}: images are prepared by {known.Preprocessing.ToString().ToLowerInvariant()}, because {known.Reason} "
                + "(--preprocessing)"
            : guess is { } guessed ? $"{path}: images are {WeightOrigin.Guess(guessed)} (--preprocessing)"
            : null;
    }

    /// <summary>The file's name and the beginning of its SHA-256.</summary>
    public string Fingerprint { get; }

    /// <summary>
    /// The preprocessing of a checkpoint, or of a published file if the settings do not state it; else null.
    /// </summary>
    public Preprocessing? Preprocessing { get; }

    /// <summary>A note on the preprocessing and its reason; null if a checkpoint or the settings state it.</summary>
    public string? Remark { get; }

    /// <summary>Reads the file of <c>--weights</c> and checks that it fills the network.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="network">The network, without memory yet.</param>
    /// <param name="baseLength">Layers of its base; 0 if it has none and a file must fill all of it.</param>
    /// <param name="classes">The classes of the data in the model's order.</param>
    /// <param name="catalogue">The files for "imagenet"; null for <see cref="WeightCatalogue.Entries"/>.</param>
    /// <param name="usual">The preprocessing if neither the settings nor the file state one.</param>
    /// <exception cref="UserError">There is no such file, or it does not fit.</exception>
    public static StartingWeights? Read(
        TrainSettings settings, Sequential network, int baseLength, IReadOnlyList<string> classes,
        IReadOnlyList<PublishedWeights>? catalogue = null,
        Preprocessing usual = Images.Preprocessing.Rescale)
    {
        if (settings.Weights is null) return null;
        var isSaid = settings.IsAsked(nameof(TrainSettings.Preprocessing));
        (var path, var published) = settings.Weights == ImageNet ? Published(catalogue ?? WeightCatalogue.Entries)
            : (settings.Weights, null);
        try
        {
            var file = WeightFile.Read(path);
            if (Checkpoint.Is(file))
            {
                var checkpoint = Checkpoint.Read(path);
                checkpoint.RequireFit(network);
                var metadata = ModelMetadata.Read(checkpoint, path, network.OutputShape.Length);
                RequireSame(settings, path, metadata, classes);
                return new StartingWeights(path, checkpoint, null, network.Layers.Count, metadata: metadata);
            }
            var filled = baseLength > 0 ? baseLength : network.Layers.Count;
            var pretrained = new PretrainedWeights(file, [.. network.Layers.Take(filled)]);
            try { pretrained.RequireFit(); }
            catch (WeightFileException e) when (baseLength > 0 && pretrained.Missing.Count > 0 && pretrained.Misshapen.Count == 0
                && LastFilled(network, pretrained) is { } last)
            {
                throw UserError.From(e, $"--weights {settings.Weights}",
                    advice: $"give a whole file, or cut the base with --until {last}");
            }
            var origin = isSaid ? null
                : published is not null ? WeightOrigin.Of(published) : WeightOrigin.Of(file, network.InputShape[^1]);
            return new StartingWeights(path, null, file, filled, origin, guess: isSaid ? null : usual);
        }
        catch (WeightFileException e)
        {
            throw UserError.From(e, $"--weights {settings.Weights}");
        }
    }

    /// <summary>Overwrites the parameters of the network, which is allocated now.</summary>
    public void LoadInto(Sequential network)
    {
        if (checkpoint is not null) checkpoint.LoadInto(network);
        else new PretrainedWeights(file!, [.. network.Layers.Take(filled)]).Load();
    }

    // The last layer before the first one without weights, such as the pooling that ends a block.
    private static string? LastFilled(Sequential network, PretrainedWeights pretrained) =>
        network.Layers.TakeWhile(layer => layer != pretrained.FirstUnfilled).LastOrDefault()?.Name;

    private static void RequireSame(TrainSettings settings, string path, ModelMetadata metadata, IReadOnlyList<string> classes)
    {
        var trained = metadata.Preprocessing;
        if (settings.IsAsked(nameof(TrainSettings.Preprocessing)) && settings.Preprocessing is var asked && asked != trained)
            throw new UserError($"--preprocessing {asked.ToString().ToLowerInvariant()}: {path} was trained with "
                + $"{trained.ToString().ToLowerInvariant()}; leave it out");
        if (metadata.Resize != settings.Resize)
            throw new UserError($"--resize {settings.Resize.ToString().ToLowerInvariant()}: {path} was trained with "
                + $"{metadata.Resize.ToString().ToLowerInvariant()}; give that one");
        if (metadata.Classes is { } known && !known.SequenceEqual(classes, ClassName.Comparer))
            throw new UserError(
                $"--weights {settings.Weights}: was trained on {string.Join(", ", known)}, the data has {string.Join(", ", classes)}");
    }

    private static (string Path, PublishedWeights Entry) Published(IReadOnlyList<PublishedWeights> catalogue)
    {
        PublishedWeights[] originals = [.. catalogue.Where(entry => entry.Original)];
        foreach (var entry in originals)
        {
            if (WeightCatalogue.Find(entry) is not { } path) continue;
            return entry.Difference(path) is { } difference
                ? throw new UserError(
                    $"--weights {ImageNet}: {path} is not the published file: {difference}; fetch it again from {entry.Address}")
                : (path, entry);
        }
        var smallest = originals.MinBy(entry => entry.Bytes)!;
        throw new UserError($"--weights {ImageNet}: no file here, and nothing is downloaded: fetch {smallest.Address} "
            + $"({smallest.Bytes / 1e6:F0} MB) and put it as "
            + $"{smallest.File} into {string.Join(" or ", WeightCatalogue.Folders)}, or name a file you have with --weights FILE");
    }
}
