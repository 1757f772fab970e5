using Convolve.Engine.Devices;
using Convolve.Engine.Tests;
using Convolve.Inspection;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Tests.Training;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Networks;

/// <summary>
/// Trains the reference networks for a step or two, with everything that has kernels (dropout, penalties, class weights,
/// every optimizer, two classes and three). Every kernel launched must be in the catalogue, or `kernels list` and the compile tests would
/// miss it.
/// </summary>
public abstract class ReferenceTrainingKernelsTests(OpenedDevice opened) : DeviceTests(opened)
{
    [SkippableFact]
    public void Mlp()
    {
        Train(ReferenceNetworks.Mlp(12, channels: 1), 12, new Sgd { Momentum = 0.9f });
        Train(ReferenceNetworks.Mlp(12, channels: 1, outputs: 3), 12, new Sgd());
    }

    [SkippableFact]
    public void Cnn()
    {
        Train(ReferenceNetworks.Cnn(46, channels: 1, dropout: 0.1f, denseDropout: 0.1f, l1: 1e-6f, l2: 1e-3f), 46, new RmsProp());
        Train(ReferenceNetworks.Cnn(46, channels: 1, outputs: 3), 46, new Adam());
    }

    [SkippableFact]
    public void Compact()
    {
        Train(CompactNetwork.Build(16, dropout: 0.1f, denseDropout: 0.1f, l1: 1e-6f, l2: 1e-3f), 16, new Adam { WeightDecay = 0.1f });
        Train(CompactNetwork.Build(16, outputs: 3), 16, new RmsProp());
    }

    protected void Train(Sequential network, int pixels, Optimizer optimizer)
    {
        using (network)
        using (optimizer)
        {
            network.Initialize(Device, 1);
            using var trainer = new Trainer(network, optimizer,
                new TrainingOptions { BatchSize = 2, ClassWeights = network.OutputShape.Length == 1 ? [1, 2] : [1, 2, 3] });
            trainer.Fit(new PatternSamples(4, pixels), new PatternSamples(2, pixels), []);
            Assert.NotEmpty(Device.Kernels.Launched);
            Assert.Empty(KernelCatalogue.Uncatalogued(Device));
        }
    }
}

[Collection(OnOpenCl.Name)]
public sealed class ReferenceTrainingKernelsOnOpenCl(OpenClDevice opened) : ReferenceTrainingKernelsTests(opened)
{
    [SkippableFact]
    public void Vgg19() => Train(ReferenceNetworks.Vgg19(32, channels: 1), 32, new RmsProp());
}

[Collection(OnOpenClInGpuShape.Name)]
public sealed class ReferenceTrainingKernelsOnOpenClInGpuShape(OpenClDeviceInGpuShape opened) : ReferenceTrainingKernelsTests(opened);

[Collection(OnIlgpu.Name)]
public sealed class ReferenceTrainingKernelsOnIlgpu(IlgpuDevice opened) : ReferenceTrainingKernelsTests(opened);
