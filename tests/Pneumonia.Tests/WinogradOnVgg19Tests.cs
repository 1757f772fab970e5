using Convolve.Engine;
using Convolve.Engine.Autograd;
using Convolve.Engine.Devices;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.WeightFiles;
using Convolve.Pneumonia.Images;
using Xunit.Abstractions;

namespace Convolve.Pneumonia.Tests;

/// <summary>
/// Winograd's rounding error in a real network: VGG19's own weights and the activations of real X-rays. Random
/// numbers give smaller errors, because they have no large means that cancel.
/// </summary>
public sealed class WinogradOnVgg19Tests(ITestOutputHelper log)
{
    /// <summary>Relative to the largest value of the double-precision reference.</summary>
    private const double LargestError = 1e-3;

    /// <summary>Enough for every kind of tile, few enough for the reference.</summary>
    private const int Pixels = 32;

    [SkippableTheory]
    [InlineData(ConvolutionAlgorithm.Winograd2)]
    [InlineData(ConvolutionAlgorithm.Winograd4)]
    public void EveryLayerStaysWithinAThousandthOfTheReference(ConvolutionAlgorithm algorithm)
    {
        RealXrays.SkipIfMissing();
        var weights = Path.Combine(RealXrays.Folder!, "..", "weights", "vgg19", "vgg19_imagenet_block1to3_HWIO.npz");
        Skip.IfNot(File.Exists(weights), $"no {weights}");
        using var catalogue = new DeviceCatalogue();
        var opencl = catalogue.Devices.FirstOrDefault(candidate => candidate.Kind == DeviceKind.OpenClCpu);
        Skip.If(opencl is null, "no OpenCL device on the processor");
        using var device = catalogue.Open(opencl!);
        var whole = ReferenceNetworks.Vgg19(Pixels);
        var last = whole.Layers.ToList().FindIndex(layer => layer.Name == "block3_conv4");
        using var network = NetworkDescription.FromJson(NetworkDescription.ToJson(whole.Part(0, last + 1)));
        network.Initialize(device, 1);
        new PretrainedWeights(WeightFile.Read(weights), network.Layers).Load();
        string[] xrays = [.. new[] { "NORMAL", "PNEUMONIA" }
            .Select(name => Directory.GetFiles(Path.Combine(RealXrays.Folder!, "val", name)).Order().First())];
        using var batch = Tensor.FromValues(device, new Shape(xrays.Length, Pixels, Pixels, 3), [.. xrays.SelectMany(Decoded)]);

        using var tape = new Tape(device, recording: false);
        var value = batch;
        var compared = 0;
        foreach (var layer in network.Layers)
        {
            if (layer is Conv2D)
            {
                Tensor kernel = layer.Parameters[0].Value, bias = layer.Parameters[1].Value;
                var geometry = ConvolutionGeometry.Create(value.Shape, kernel.Shape, Padding.Same);
                using var aside = new Tape(device, recording: false);
                var actual = ConvolutionOperation.Apply(aside, value, kernel, bias, Padding.Same, algorithm: algorithm);
                var expected = ConvolutionReference.Forward(geometry, InDouble(value), InDouble(kernel), InDouble(bias));
                var found = actual.ToArray();
                var error = expected.Select((e, i) => Math.Abs(e - found[i])).Max() / expected.Max(Math.Abs);
                log.WriteLine($"{algorithm} {layer.Name}: {error:E1}");
                Assert.True(error <= LargestError, $"{layer.Name}: {error:E2} of the largest value");
                compared++;
            }
            value = tape.Keep(layer.Forward(tape, value, Pass.Inference));
        }
        Assert.Equal(8, compared);
    }

    private static float[] Decoded(string path)
    {
        var pixels = new byte[Pixels * Pixels * 3];
        ImageResize.Resize(ImageDecoder.Decode(path), Pixels, 3, ResizeMethod.Bilinear, pixels);
        return Array.ConvertAll(pixels, value => value / 255f);
    }

    private static double[] InDouble(Tensor tensor) => Array.ConvertAll(tensor.ToArray(), value => (double)value);
}
