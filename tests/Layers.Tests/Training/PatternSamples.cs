using Convolve.Engine.Randomness;
using Convolve.Layers.Training;

namespace Convolve.Layers.Tests.Training;

/// <summary>Small noisy images whose class is whether their left half is brighter: learnable in a few steps.</summary>
public sealed class PatternSamples(int count, int pixels = 12, params int[] unusable) : ISampleSource
{
    /// <summary>Every index whose pixels were read, in order.</summary>
    public List<int> Visited { get; } = [];

    public int Count => count;

    public int SampleLength => pixels * pixels;

    public bool IsUsable(int index) => !unusable.Contains(index);

    public int ClassOf(int index) => index & 1;

    public void CopyPixels(int index, Span<byte> target)
    {
        lock (Visited) Visited.Add(index);
        for (var i = 0; i < target.Length; i++)
        {
            var bright = i % pixels < pixels / 2 == (ClassOf(index) == 1);
            target[i] = (byte)(CounterRandom.Bits(CounterRandom.Key((uint)index), (uint)i) % 160 + (bright ? 60 : 0));
        }
    }
}
