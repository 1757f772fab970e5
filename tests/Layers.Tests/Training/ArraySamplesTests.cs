using System.Runtime.InteropServices;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Training;

public sealed class ArraySamplesTests
{
    [Fact]
    public void GivesBackWhatItWasGiven()
    {
        var samples = new ArraySamples([[1.5f, -2f], [3f, 4f]], [1, 0]);
        Assert.Equal((2, 8), (samples.Count, samples.SampleLength));
        var target = new byte[8];
        samples.CopyPixels(0, target);
        Assert.Equal([1.5f, -2f], MemoryMarshal.Cast<byte, float>(target).ToArray());
        Assert.Equal((1, 0), (samples.ClassOf(0), samples.ClassOf(1)));
    }

    [Fact]
    public void RefusesWhatDoesNotFit()
    {
        Assert.Contains("number 1 has 2 bytes",
            Assert.Throws<ArgumentException>(() => new ArraySamples([[1], new byte[2]], [0, 1])).Message);
        Assert.Throws<ArgumentException>(() => new ArraySamples([new byte[2]], [0, 1]));
        Assert.Throws<ArgumentException>(() => new ArraySamples(Array.Empty<byte[]>(), []));
        Assert.Contains("number 1 is of class -1",
            Assert.Throws<ArgumentException>(() => new ArraySamples([new byte[2], new byte[2]], [0, -1])).Message);
    }
}
