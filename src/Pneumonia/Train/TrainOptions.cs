using System.CommandLine;
using Convolve.Engine.Operations.Convolution;
using Convolve.Layers.Networks;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Train;

/// <summary>The options of <c>train</c>, which the bare program takes as well.</summary>
internal sealed class TrainOptions
{
    private const int MostEpochs = 100_000, MostPixels = 4096, LargestBatch = 65_536, MostUnits = 65_536;

    private readonly Option<string?> data = SharedOption.Data("tree {train,val,test}/CLASS/* or CLASS/* of images; without it synthetic X-rays");
    private readonly Option<ModelKind?> model = CheckedOption.Choice<ModelKind>("--model", "network (compact)");
    private readonly Option<int?> pixels = CheckedOption.Whole("--pixels", "width and height of the images (150)", 1, MostPixels);
    private readonly Option<ResizeMethod?> resize = CheckedOption.Choice<ResizeMethod>("--resize", "how images get their size (bilinear)");
    private readonly Option<int?> epochs = CheckedOption.Whole("--epochs", "passes over the training images (10; compact 24; synthetic 8)", 1, MostEpochs);
    private readonly Option<int?> batch = CheckedOption.Whole("--batch", "images a step (100; compact 50; synthetic 20)", 1, LargestBatch);
    private readonly Option<double?> learningRate = CheckedOption.Number("--learning-rate", "step size of the optimizer (1e-4; compact 1e-3; synthetic 3e-4; sgd 0.01)",
        "a number above 0 and at most 100", value => value is > 0 and <= 100);
    private readonly Option<OptimizerKind?> optimizer = CheckedOption.Choice<OptimizerKind>("--optimizer", "how weights are updated (rmsprop; mlp sgd; compact adam)");
    private readonly Option<LearningRateSchedule?> schedule = CheckedOption.Choice<LearningRateSchedule>("--schedule",
        "how the learning rate changes: a tenth after half and a hundredth after three quarters, or down a cosine after a warm-up (constant; compact cosine)");
    private readonly Option<bool> findLearningRate = CheckedOption.Flag("--find-learning-rate", "try growing learning rates, print the losses and a suggestion, and end");
    private readonly Option<double?> weightDecay = CheckedOption.Number("--weight-decay", "share of a weight, times the learning rate, that a step takes away (0; compact 0.05)",
        "a number from 0 to 10", value => value is >= 0 and <= 10);
    private readonly Option<double?> dropout = Share("--dropout", "share dropped after every pooling layer (0)");
    private readonly Option<double?> denseDropout = Share("--dense-dropout", "share dropped after the hidden dense layer (0)");
    private readonly Option<double?> l1 = Penalty("--l1", "L1 penalty on convolution kernels (0)");
    private readonly Option<double?> l2 = Penalty("--l2", "L2 penalty on convolution kernels (0)");
    private readonly Option<bool?> augment = CheckedOption.Switch("--augment", "change training images at random, in every epoch anew: turn, shift, zoom, mirror; "
        + "for compact sharpness, gamma, contrast and noise as well (compact true, others false)");
    private readonly Option<bool> augmentOnce = CheckedOption.Flag("--augment-once", "the same, but every image in one way for all epochs");
    private readonly Option<int?> earlyStopping = CheckedOption.Whole("--early-stopping", "stop after N epochs without a lower validation loss", 1, MostEpochs);
    private readonly Option<ClassWeights?> classWeights = CheckedOption.Choice<ClassWeights>("--class-weights", "count every image, or every class, the same (none)");
    private readonly Option<Preprocessing?> preprocessing = CheckedOption.Choice<Preprocessing>("--preprocessing",
        "what becomes of a byte: 0 to 1; as Keras' or torchvision's weights of VGG were trained; or every image's own mean and contrast evened out "
        + "(rescale; compact standardize; published weights their own)");
    private readonly Option<string?> weights = CheckedOption.Text("--weights", "FILE|imagenet",
        "start from a weight file, a checkpoint of the same network, or the published one (random weights)", "a file, or imagenet");
    private readonly Option<string?> until = CheckedOption.Text("--until", "LAYER", "cut vgg19's base after this layer, such as block3_pool (block5_pool)", "a layer");
    private readonly Option<string?> freeze = CheckedOption.Text("--freeze", "all|none|LAYER",
        "keep the base as it is, or only up to and with a layer (all with --weights, else none)", "all, none, or a layer");
    private readonly Option<int?> head = CheckedOption.Whole("--head", "units of the hidden layer after vgg19's base (256)", 1, MostUnits);
    private readonly Option<bool> features = CheckedOption.Flag("--features", $"compute the frozen base once for each image, keep that on disk ({FeatureFolder.DefaultLimit} GiB of it, or ${FeatureFolder.LimitVariable}), and train the head alone");
    private readonly Option<double?> baseLearningRate = CheckedOption.Number("--base-learning-rate", "step size for the part of the base that is not frozen (that of the head)",
        "a number above 0 and at most 100", value => value is > 0 and <= 100);
    private readonly Option<LabelScheme?> labels = SharedOption.Labels();
    private readonly Option<string?> positive = SharedOption.Positive();
    private readonly Option<int?> limit = SharedOption.Limit();
    private readonly Option<SplitKind?> split = CheckedOption.Choice<SplitKind>("--split", "how images are divided (folders for a tree, else patient)");
    private readonly Option<SplitFractions?> fractions = CheckedOption.Fractions("--fractions", "shares of a patient or random split (0.8,0.1,0.1)");
    private readonly Option<string?> patient = SharedOption.Patient();
    private readonly Option<ConvolutionAlgorithm?> convolution = CheckedOption.Choice<ConvolutionAlgorithm>("--conv", "convolution algorithm (auto)");
    private readonly Option<bool> tf32 = CheckedOption.Flag("--tf32", "round factors to TF32 and multiply on tensor cores; NVIDIA GPUs from sm_80 on (off)");
    private readonly Option<string?> device = SharedOption.Device();
    private readonly Option<int?> seed = SharedOption.Seed();
    private readonly Option<string?> output = CheckedOption.Text("--out", "DIR", "run folder to write (runs/TIMESTAMP-MODEL)", "a folder");
    private readonly Option<bool> resume = CheckedOption.Flag("--resume", "continue the run in --out");
    private readonly Option<bool> json = SharedOption.Json();

    private IEnumerable<Option> All =>
    [
        data, model, pixels, resize, epochs, batch, learningRate, baseLearningRate, schedule, findLearningRate, optimizer, weightDecay, dropout,
        denseDropout, l1, l2, augment, augmentOnce, earlyStopping, classWeights, preprocessing, weights, until, freeze, head, features, labels, positive, limit,
        split, fractions, patient, convolution, tf32, device, seed, output, resume, json,
    ];

    public void AddTo(Command command)
    {
        foreach (Option option in All) command.Add(option);
    }

    /// <summary>The first of these options that a command line holds, or null.</summary>
    public Option? FirstGiven(ParseResult result) => All.FirstOrDefault(option => result.GetResult(option) is { Implicit: false });

    /// <exception cref="UserError">Two options contradict each other.</exception>
    public TrainSettings Read(ParseResult result)
    {
        var settings = new TrainSettings
        {
            Data = result.GetValue(data),
            Model = result.GetValue(model) ?? ModelKind.Compact,
            Pixels = result.GetValue(pixels),
            Resize = result.GetValue(resize) ?? ResizeMethod.Bilinear,
            Epochs = result.GetValue(epochs),
            Batch = result.GetValue(batch),
            LearningRate = result.GetValue(learningRate),
            Schedule = result.GetValue(schedule),
            FindLearningRate = result.GetValue(findLearningRate),
            Optimizer = result.GetValue(optimizer),
            WeightDecay = result.GetValue(weightDecay),
            Dropout = result.GetValue(dropout) ?? 0,
            DenseDropout = result.GetValue(denseDropout) ?? 0,
            L1 = result.GetValue(l1) ?? 0,
            L2 = result.GetValue(l2) ?? 0,
            Augment = result.GetValue(augment),
            AugmentOnce = result.GetValue(augmentOnce),
            EarlyStopping = result.GetValue(earlyStopping),
            ClassWeights = result.GetValue(classWeights) ?? ClassWeights.None,
            Preprocessing = result.GetValue(preprocessing),
            Weights = result.GetValue(weights),
            Until = result.GetValue(until),
            Freeze = result.GetValue(freeze),
            Head = result.GetValue(head),
            Features = result.GetValue(features),
            BaseLearningRate = result.GetValue(baseLearningRate),
            Labels = result.GetValue(labels) ?? LabelScheme.Folders,
            Positive = result.GetValue(positive),
            Limit = result.GetValue(limit),
            Split = result.GetValue(split),
            Fractions = result.GetValue(fractions),
            Patient = result.GetValue(patient),
            Convolution = result.GetValue(convolution) ?? ConvolutionAlgorithm.Auto,
            Tf32 = result.GetValue(tf32),
            Device = result.GetValue(device) ?? SharedOption.DefaultDevice,
            Seed = result.GetValue(seed) ?? SharedOption.DefaultSeed,
            Out = result.GetValue(output),
            Resume = result.GetValue(resume),
            Json = result.GetValue(json),
        };
        if (settings.Data is null)
        {
            if (settings.Split is not null) throw new UserError("--split: synthetic images have parts of their own; give --data DIR, or leave --split out");
            if (settings.Fractions is not null) throw new UserError("--fractions: synthetic images have parts of their own; give --data DIR, or leave --fractions out");
            if (settings.Patient is not null) throw new UserError("--patient: synthetic images have no patients; give --data DIR, or leave --patient out");
            if (settings.Limit < SyntheticXrays.Classes.Count) throw new UserError($"--limit {settings.Limit}: keeps fewer images than there are classes; give {SyntheticXrays.Classes.Count} or more");
            if (settings.Positive is not null) throw new UserError($"--positive {settings.Positive}: synthetic images have PNEUMONIA as their positive class; give --data DIR, or leave --positive out");
            if (settings.Labels == LabelScheme.Three) throw new UserError("--labels three: synthetic images have two classes; give --data DIR, or leave --labels out");
        }
        if (settings.Fractions is not null && settings.Split is SplitKind.Folders or SplitKind.Reference)
            throw new UserError($"--fractions: the parts of --split {settings.Split.ToString()!.ToLowerInvariant()} are fixed; leave one of the two out");
        if (settings.Resume && settings.Out is null)
            throw new UserError("--resume: which run? give its folder with --out DIR");
        RequireRegularizable(settings);
        RequireTransfer(settings);
        if (settings.FindLearningRate && (settings.Out ?? (settings.Resume ? "" : null)) is not null)
            throw new UserError("--find-learning-rate: trains and writes nothing; leave --out and --resume out");
        if (settings.Model == ModelKind.Compact && settings.Preprocessing is { } asked && asked.IsForColours())
            throw new UserError($"--preprocessing {asked.ToString().ToLowerInvariant()}: is for colours, and compact reads gray images; leave it out");
        if (settings.FindLearningRate && settings.Features)
            throw new UserError("--find-learning-rate: sweeps the whole network; leave --features out");
        return settings;
    }

    // What a model has no place for would be written into its config.json as if it had been used.
    private static void RequireRegularizable(TrainSettings settings)
    {
        var given = new (string Option, double Value, ModelKind[] Models)[]
        {
            ("--dropout", settings.Dropout, [ModelKind.Cnn, ModelKind.Compact]),
            ("--dense-dropout", settings.DenseDropout, [ModelKind.Cnn, ModelKind.Compact, ModelKind.Vgg19]),
            ("--l1", settings.L1, [ModelKind.Cnn, ModelKind.Compact]),
            ("--l2", settings.L2, [ModelKind.Cnn, ModelKind.Compact]),
        };
        foreach (var (option, value, models) in given)
            if (value > 0 && !models.Contains(settings.Model))
                throw new UserError($"{option}: {settings.Model.ToString().ToLowerInvariant()} has no place for it, "
                    + $"only {string.Join(", ", models.Select(model => model.ToString().ToLowerInvariant()))}; leave it out");
    }

    private static void RequireTransfer(TrainSettings settings)
    {
        string model = settings.Model.ToString().ToLowerInvariant();
        if (settings.Model != ModelKind.Vgg19)
        {
            var given = new (string Option, bool IsGiven)[]
            {
                ("--until", settings.Until is not null), ("--freeze", settings.Freeze is not null), ("--head", settings.Head is not null),
                ("--features", settings.Features), ("--base-learning-rate", settings.BaseLearningRate is not null),
                ($"--weights {StartingWeights.ImageNet}", settings.Weights == StartingWeights.ImageNet),
            };
            foreach (var (option, isGiven) in given)
                if (isGiven) throw new UserError($"{option}: {model} is not made of a base and a head; give --model vgg19, or leave it out");
            return;
        }
        IReadOnlyList<string> layers = ReferenceNetworks.Vgg19BaseLayers;
        if (settings.Until is { } until && !layers.Contains(until))
            throw new UserError($"--until {until}: vgg19's base has no such layer; its layers are {string.Join(", ", layers)}");
        bool freezesSome = settings.Freeze is not (null or TrainingPlan.FreezeAll or TrainingPlan.FreezeNone);
        string[] kept = [.. layers.Take((settings.Until is null ? layers.Count : layers.ToList().IndexOf(settings.Until) + 1))];
        if (freezesSome && !kept.Contains(settings.Freeze))
            throw new UserError($"--freeze {settings.Freeze}: is neither all, none, nor a layer of the base; its layers are {string.Join(", ", kept)}");
        if (settings.Weights is null && settings.Freeze is not (null or TrainingPlan.FreezeNone))
            throw new UserError($"--freeze {settings.Freeze}: the base would stay random; give its weights with --weights FILE");
        // Nothing is left to train where no convolution follows the last frozen layer.
        bool frozen = settings.Weights is not null && settings.Freeze is null or TrainingPlan.FreezeAll
            || freezesSome && !kept.SkipWhile(layer => layer != settings.Freeze).Skip(1).Any(layer => layer.Contains("conv", StringComparison.Ordinal));
        if (settings.BaseLearningRate is not null && frozen)
            throw new UserError("--base-learning-rate: the whole base is frozen; unfreeze it with --freeze none or --freeze LAYER, or leave this out");
        if (!settings.Features) return;
        if (!frozen) throw new UserError("--features: needs a base that stays as it is; give its weights with --weights FILE, and leave --freeze out");
        if (settings.Augment == true || settings.AugmentOnce)
            throw new UserError("--features: are computed once, augmentation makes other images; leave --augment out, or train without --features");
    }

    private static Option<double?> Share(string name, string description) =>
        CheckedOption.Number(name, description, "a number from 0 to below 1", value => value is >= 0 and < 1);

    private static Option<double?> Penalty(string name, string description) =>
        CheckedOption.Number(name, description, "a number from 0 to 1", value => value is >= 0 and <= 1);
}
