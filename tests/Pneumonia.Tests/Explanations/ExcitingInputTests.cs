using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Tests.Shell;

namespace Convolve.Pneumonia.Tests.Explanations;

[Collection(OnADevice.Name)]
public sealed class ExcitingInputTests
{
    public static TheoryData<string> Scalings => ["rescale", "caffe", "torchvision", "signs"];

    [Theory]
    [MemberData(nameof(Scalings))]
    public void EveryByteGoesWhereItsChannelLeadsUphill(string name)
    {
        var scaling = name switch
        {
            "caffe" => PixelScaling.Caffe,
            "torchvision" => PixelScaling.Torchvision,
            "signs" => new PixelScaling(1, -2, 1.5f, 0, 3, -4, Reversed: 1),
            _ => PixelScaling.Rescale,
        };
        const int Positions = 4, Colours = 3;
        using var catalogue = new DeviceCatalogue();
        using var device = catalogue.Open(catalogue.Choose("auto").Device);
        using var network = new Sequential(new Shape(2, 2, Colours), [new Flatten(), new Dense(1)]).Initialize(device, 1);
        float[] slopes = [.. Enumerable.Range(0, Positions * Colours).Select(i => i % 5 < 2 ? -1f : 1f)];
        network.Parameters.First().Value.CopyFrom(slopes);
        var image = Assert.Single(new ExcitingInput(network, scaling, seed: 1).For(1, [0]));
        for (var p = 0; p < Positions; p++)
            for (var c = 0; c < Colours; c++)
            {
                var source = scaling.Reversed != 0 ? Colours - 1 - c : c;
                var isUp = slopes[p * Colours + c] * scaling.ScaleOf(c) > 0;
                Assert.InRange(image[p * Colours + source], isUp ? 200 : 0, isUp ? 255 : 55);
            }
    }
}
