using System.Globalization;
using Convolve.Engine.Devices;
using Convolve.Engine.Measurement;
using Convolve.Engine.Operations.Activation;
using Convolve.Engine.Operations.Addition;
using Convolve.Engine.Operations.Augmentation;
using Convolve.Engine.Operations.BatchNormalization;
using Convolve.Engine.Operations.Bias;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Dropout;
using Convolve.Engine.Operations.Loss;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Optimizer;
using Convolve.Engine.Operations.Penalty;
using Convolve.Engine.Operations.Pixels;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Inspection.Profiling;

/// <summary>
/// What an operation does in a network of usual size, and the same at a small awkward size. A kernel is profiled by the first work that
/// launches it, and its small work runs under the sanitizer. A new kernel of an operation listed here therefore needs no declaration of
/// its own; the tests fail for a kernel that no work launches.
/// </summary>
/// <param name="Title">The operation and its usual size, in words.</param>
/// <param name="Run">Runs it: at its usual size, or at the small one if the flag is true.</param>
internal sealed record OperationWork(string Title, Action<WorkTensors, bool> Run)
{
    /// <summary>Images of a convolution, and of one by the formula, whose threads each add up a whole sum.</summary>
    private const int Batch = 32, NaiveBatch = 4;

    /// <summary>All works.</summary>
    public static IReadOnlyList<OperationWork> All { get; } =
    [
        new("ReLU of [100,72,72,32]", (t, small) => t.ForwardAndBackward(tape => ActivationOperation.Relu(tape, Image(t, small)))),
        new("sigmoid of [100,72,72,32]", (t, small) => t.ForwardAndBackward(tape => ActivationOperation.Sigmoid(tape, Image(t, small)))),
        new("softmax of [4096,10]", (t, small) =>
            t.ForwardAndBackward(tape => SoftmaxOperation.Apply(tape, t.Leaf(small ? 70 : 4096, small ? 3 : 10)))),
        new("sum of two [100,72,72,32]",
            (t, small) => t.ForwardAndBackward(tape => AdditionOperation.Apply(tape, Image(t, small), Image(t, small)))),
        new("copy of [100,72,72,32]", (t, small) => Image(t, small).CopyFrom(Image(t, small))),
        new("filling [100,72,72,32]", (t, small) => Image(t, small).Fill(1)),
        new("dropout of [100,72,72,32]", (t, small) =>
            t.ForwardAndBackward(tape => DropoutOperation.Apply(tape, Image(t, small), 0.3f, 1))),
        new("2×2 max pooling of [100,148,148,32]",
            (t, small) => t.ForwardAndBackward(tape => MaxPoolingOperation.Apply(tape, Picture(t, small), 2, 2, 2))),
        new("3×3 max pooling with stride 2 of [100,148,148,32]",
            (t, small) => t.ForwardAndBackward(tape => MaxPoolingOperation.Apply(tape, Picture(t, small), 3, 3, 2))),
        new("2×2 average pooling of [100,148,148,32]",
            (t, small) => t.ForwardAndBackward(tape => AveragePoolingOperation.Apply(tape, Picture(t, small), 2, 2, 2))),
        new("bias gradient of [100,72,72,32] with the mask of ReLU", (t, small) => BiasGradient(t, small, hasBias: true)),
        new("mask of ReLU of [100,72,72,32] without bias", (t, small) => BiasGradient(t, small, hasBias: false)),
        new("batch normalization of [100,72,72,32]", (t, small) => t.ForwardAndBackward(tape =>
            BatchNormalizationOperation.OfBatch(tape, Image(t, small), Channels(t, small ? 5 : 32), 0.9f, relu: true))),
        new("batch normalization of [100,72,72,32] by running statistics", (t, small) => t.ForwardAndBackward(tape =>
            BatchNormalizationOperation.OfRunning(tape, Image(t, small), Channels(t, small ? 5 : 32), relu: true))),
        new("folding batch normalization into a 3×3 kernel of 512 to 512 channels", (t, small) =>
        {
            using var tape = new Engine.Autograd.Tape(t.Device, recording: false);
            BatchNormalizationOperation.Fold(tape, t.Random(3, 3, small ? 3 : 512, small ? 5 : 512), null, Channels(t, small ? 5 : 512));
        }),
        Product("matrix product of two [1024,1024]", false, false),
        Product("matrix product of [1024,1024] and the transpose of [1024,1024]", false, true),
        Product("matrix product of the transpose of [1024,1024] and [1024,1024]", true, false),
        Product("matrix product of the transposes of two [1024,1024]", true, true),
        Convolution("forward", ConvolutionPass.Forward, ConvolutionAlgorithm.Implicit),
        Convolution("input gradient", ConvolutionPass.GradInput, ConvolutionAlgorithm.Implicit),
        Convolution("kernel gradient", ConvolutionPass.GradKernel, ConvolutionAlgorithm.Implicit),
        Convolution("forward by im2col", ConvolutionPass.Forward, ConvolutionAlgorithm.Im2col),
        Convolution("input gradient by im2col", ConvolutionPass.GradInput, ConvolutionAlgorithm.Im2col),
        Convolution("forward by the formula", ConvolutionPass.Forward, ConvolutionAlgorithm.Naive, NaiveBatch),
        Convolution("input gradient by the formula", ConvolutionPass.GradInput, ConvolutionAlgorithm.Naive, NaiveBatch),
        Convolution("kernel gradient by the formula", ConvolutionPass.GradKernel, ConvolutionAlgorithm.Naive, NaiveBatch),
        new("binary cross-entropy of 1000 logits", (t, small) => t.ForwardAndBackward(tape =>
            LossOperation.BinaryCrossEntropy(tape, t.Leaf(small ? 70 : 1000, 1), Classes(t, small ? 70 : 1000, 2)))),
        new("softmax cross-entropy of [1000,10]", (t, small) => t.ForwardAndBackward(tape =>
            LossOperation.SoftmaxCrossEntropy(tape, t.Leaf(small ? 70 : 1000, small ? 3 : 10),
                Classes(t, small ? 70 : 1000, small ? 3 : 10)))),
        new("correct answers among [1000,10]", (t, small) =>
            CorrectAnswersOperation.Count(t.Random(small ? 70 : 1000, 3), Classes(t, small ? 70 : 1000, 3), null, t.Random(1))),
        Update("RMSprop", (table, w, g, m, _) => UpdateOperation.RmsProp(table, w, g, m, 0.01f, 0.9f, 1e-7f)),
        Update("descent with momentum", (table, w, g, m, _) => UpdateOperation.Momentum(table, w, g, m, 0.01f, 0.9f)),
        Update("descent", (table, w, g, _, _) => UpdateOperation.Descent(table, w, g, 0.01f)),
        Update("Adam", (table, w, g, m, v) => UpdateOperation.Adam(table, w, g, m, v, 0.01f, 0.9f, 0.999f, 1e-7f, 1)),
        new($"penalties of {Parameters.ToString("N0", CultureInfo.InvariantCulture)} weights", (t, small) =>
        {
            var length = small ? 1027 : Parameters;
            using var tape = new Engine.Autograd.Tape(t.Device);
            PenaltyOperation.Add(tape, t.Leaf(1), t.Random(length),
                t.Own(new UpdateTable(t.Device, new UpdateRow(0, 0, length, L1: 0.1f, L2: 0.2f))));
        }),
        new("scaling the bytes of [32,150,150,3]", (t, small) =>
            PixelConversionOperation.Apply(Bytes(t, small), t.Random(Photographs(small)), PixelScaling.Rescale)),
        new("augmentation of [32,150,150,3]", (t, small) =>
        {
            var geometry = AugmentationGeometry.Create(new Shape(Photographs(small)));
            var ranges = new AugmentationRanges { Rotation = 10, WidthShift = 0.1, HeightShift = 0.1, ZoomLow = 0.9, ZoomHigh = 1.1 };
            var maps = new float[geometry.Batch * AffineMap.Length];
            for (var i = 0; i < geometry.Batch; i++)
                ranges.Draw(1, 1, i, geometry.Height, geometry.Width).CopyTo(maps.AsSpan(i * AffineMap.Length));
            AugmentationOperation.Apply(
                Bytes(t, small), t.Of(new Shape(geometry.Batch, AffineMap.Length), maps), t.Random(Photographs(small)), geometry,
                PixelScaling.Rescale);
        }),
        new("tonal changes of [32,150,150,3]", (t, small) =>
        {
            var ranges = new AugmentationRanges { Sharpness = 0.5, Gamma = 0.3, Contrast = 0.2, Noise = 0.05 };
            var images = Photographs(small)[0];
            var tones = new float[images * ToneChange.Length];
            for (var i = 0; i < images; i++) ranges.DrawTones(1, 1, i).CopyTo(tones.AsSpan(i * ToneChange.Length));
            ToneOperation.Apply(
                t.Random(Photographs(small)), t.Of(new Shape(images, ToneChange.Length), tones), t.Random(Photographs(small)),
                PixelScaling.Rescale);
        }),
        new("multiply-adds in registers, for the device's peak", (t, small) =>
            PeakArithmetic.LaunchChains(t.Device, t.Random(1).View, small ? 1 : t.Device.Description.ComputeUnits * 32)),
    ];

    /// <summary>Weights of the optimizers' works: a million, in one table.</summary>
    private const int Parameters = 1_000_000;

    private static Tensor Image(WorkTensors t, bool small) => small ? t.Leaf(2, 5, 7, 5) : t.Leaf(100, 72, 72, 32);

    private static Tensor Picture(WorkTensors t, bool small) => small ? t.Leaf(2, 9, 8, 5) : t.Leaf(100, 148, 148, 32);

    private static int[] Photographs(bool small) => small ? [2, 9, 7, 3] : [32, 150, 150, 3];

    private static StagedPixels Bytes(WorkTensors t, bool small)
    {
        var bytes = new byte[new Shape(Photographs(small)).Length];
        for (var i = 0; i < bytes.Length; i++) bytes[i] = (byte)(i * 7);
        var staged = t.Own(new StagedPixels(t.Device, bytes.Length));
        staged.Upload(bytes);
        return staged;
    }

    private static NormalizedChannels Channels(WorkTensors t, int channels)
    {
        var variance = t.Random(channels);
        variance.Fill(1);
        return new NormalizedChannels(t.Leaf(channels), t.Leaf(channels), t.Random(channels), variance, 1e-3f);
    }

    private static Tensor Classes(WorkTensors t, int samples, int classes) =>
        t.Of(new Shape(samples), [.. Enumerable.Range(0, samples).Select(i => (float)(i % classes))]);

    private static void BiasGradient(WorkTensors t, bool small, bool hasBias)
    {
        using var tape = new Engine.Autograd.Tape(t.Device);
        BiasGradientOperation.Apply(tape, Image(t, small), Image(t, small), hasBias ? t.Leaf(small ? 5 : 32) : null);
    }

    private static OperationWork Product(string title, bool transposeLeft, bool transposeRight) => new(title, (t, small) =>
    {
        var (rows, columns, depth) = small ? (70, 33, 20) : (1024, 1024, 1024);
        var left = transposeLeft ? t.Random(depth, rows) : t.Random(rows, depth);
        var right = transposeRight ? t.Random(columns, depth) : t.Random(depth, columns);
        var geometry = MatrixMultiplyGeometry.Create(left.Shape, right.Shape, transposeLeft, transposeRight);
        MatrixMultiplyOperation.Launch(geometry, left, right, t.Random(rows, columns));
    });

    /// <summary>The second convolution of the reference CNN.</summary>
    private static OperationWork Convolution(string what, ConvolutionPass pass, ConvolutionAlgorithm algorithm, int batch = Batch) =>
        new($"3×3 convolution of [{batch},74,74,32] to 64 channels, {what}", (t, small) =>
        {
            var (input, kernel) = small
                ? (new Shape(2, 7, 6, 3), new Shape(3, 3, 3, 5))
                : (new Shape(batch, 74, 74, 32), new Shape(3, 3, 32, 64));
            var g = ConvolutionGeometry.Create(input, kernel, Padding.Same);
            Tensor x = t.Random([.. g.Input.Sizes]), w = t.Random([.. g.Kernel.Sizes]), y = t.Random([.. g.Output.Sizes]);
            switch (pass)
            {
                case ConvolutionPass.Forward:
                    ConvolutionOperation.Forward(g, x, w, t.Random(g.OutputChannels), y, relu: true, algorithm);
                    break;
                case ConvolutionPass.GradInput: ConvolutionOperation.GradInput(g, y, w, x, accumulate: false, algorithm); break;
                default: ConvolutionOperation.GradKernel(g, y, x, w, accumulate: false, algorithm); break;
            }
        });

    private static OperationWork Update(string rule, Action<UpdateTable, Tensor, Tensor, Tensor, Tensor> step) =>
        new($"{rule} for {Parameters.ToString("N0", CultureInfo.InvariantCulture)} weights", (t, small) =>
        {
            var length = small ? 1027 : Parameters;
            var state = t.Random(length);
            state.Fill(0.25f);
            var table = t.Own(new UpdateTable(t.Device, new UpdateRow(0, 0, length)));
            step(table, t.Random(length), t.Random(length), t.Random(length), state);
        });
}
