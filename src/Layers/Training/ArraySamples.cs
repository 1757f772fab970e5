using System.Runtime.InteropServices;

namespace Convolve.Layers.Training;

/// <summary>Samples in memory, all of one length.</summary>
public sealed class ArraySamples : ISampleSource
{
    private readonly byte[][] samples;
    private readonly int[] classes;

    /// <summary>Images, [H,W,C] each, in bytes.</summary>
    /// <param name="images">At least one; the same number of bytes each.</param>
    /// <param name="classes">The class of each, counted from 0.</param>
    /// <exception cref="ArgumentException">
    /// There are none, their lengths differ, their number differs from that of the classes, or a class is negative.
    /// </exception>
    public ArraySamples(IEnumerable<byte[]> images, IEnumerable<int> classes)
    {
        samples = [.. images];
        this.classes = [.. classes];
        if (samples.Length == 0 || samples.Length != this.classes.Length)
            throw new ArgumentException(
                $"samples: {samples.Length} samples and {this.classes.Length} classes; give one class to each, and at least one");
        var odd = Array.FindIndex(samples, sample => sample.Length != samples[0].Length);
        if (odd >= 0)
            throw new ArgumentException($"samples: number {odd} has {samples[odd].Length} bytes, number 0 has {samples[0].Length}");
        var negative = Array.FindIndex(this.classes, label => label < 0);
        if (negative >= 0)
            throw new ArgumentException($"samples: number {negative} is of class {this.classes[negative]}; classes are counted from 0");
    }

    /// <summary>Rows of numbers, which the network gets unchanged: train with <see cref="TrainingOptions.Scaling"/> null.</summary>
    /// <param name="rows">At least one; the same number of values each.</param>
    /// <param name="classes">The class of each, counted from 0.</param>
    /// <exception cref="ArgumentException">
    /// There are none, their lengths differ, their number differs from that of the classes, or a class is negative.
    /// </exception>
    public ArraySamples(IEnumerable<float[]> rows, IEnumerable<int> classes)
        : this(rows.Select(row => MemoryMarshal.AsBytes<float>(row).ToArray()), classes)
    {
    }

    /// <inheritdoc/>
    public int Count => samples.Length;

    /// <inheritdoc/>
    public int SampleLength => samples[0].Length;

    /// <inheritdoc/>
    public bool IsUsable(int index) => true;

    /// <inheritdoc/>
    public void CopyPixels(int index, Span<byte> target) => samples[index].CopyTo(target);

    /// <inheritdoc/>
    public int ClassOf(int index) => classes[index];
}
