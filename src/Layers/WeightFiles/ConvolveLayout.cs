namespace Convolve.Layers.WeightFiles;

/// <summary>
/// Converts the tensors of a file to Convolve's layout: convolution kernels [rows, columns, in, out], dense weights [in, out], images
/// flattened row by row with channels last. Keras files have it already; PyTorch files have [out, in, rows, columns], [out, in], and images
/// flattened channel by channel.
/// </summary>
/// <remarks>
/// A tensor is taken for one of PyTorch where the file is, or, in files that do not say, where its name ends in ".weight". The first dense
/// layer takes flattened images if its inputs are the last convolution's channels times a square number of pixels larger than one (VGG: 512
/// · 7 · 7); its rows are put into the other order, too.
/// </remarks>
public static class ConvolveLayout
{
    /// <summary>Converts every tensor of a file; names do not change.</summary>
    public static OrderedDictionary<string, StoredTensor> Of(WeightFile file)
    {
        var converted = new OrderedDictionary<string, StoredTensor>(StringComparer.Ordinal);
        if (file.Layout == TensorLayout.Convolve) return file.Tensors;
        var torch = file.Layout == TensorLayout.Torch;
        bool IsKernel(string name, StoredTensor tensor) => tensor.Shape.Length == 4 && (torch || IsWeight(name));
        bool IsDense(string name, StoredTensor tensor) => tensor.Shape.Length == 2 && IsWeight(name);
        // In any order: sorted by name, "classifier" comes before "features".
        var channels = file.Tensors.LastOrDefault(tensor => IsKernel(tensor.Key, tensor.Value)).Value?.Shape[0] ?? 0;
        var first = file.Tensors.FirstOrDefault(tensor => IsDense(tensor.Key, tensor.Value)).Key;
        foreach (var (name, tensor) in file.Tensors)
            converted.Add(name, IsKernel(name, tensor) ? KernelsLast(tensor)
                : IsDense(name, tensor) ? Dense(tensor, name == first ? PixelsOf(tensor.Shape[1], channels) : 1)
                : tensor);
        return converted;
    }

    /// <summary>Whether a tensor may be reordered, by its name and rank.</summary>
    internal static bool MayTurn(string name, int dimensions) => dimensions == 4 || IsWeight(name);

    /// <summary>Whether a name is PyTorch's for kernels and dense weights.</summary>
    private static bool IsWeight(string name) =>
        name.EndsWith("weight", StringComparison.Ordinal) && (name.Length == 6 || name[^7] is '.' or '/');

    // The pixels of the image with that many channels; 1 if the inputs are no square image.
    private static int PixelsOf(int inputs, int channels)
    {
        if (channels == 0 || inputs == 0 || inputs % channels != 0) return 1;
        var side = (int)Math.Round(Math.Sqrt(inputs / channels));
        return side * side * channels == inputs ? side * side : 1;
    }

    // [O,I,H,W] → [H,W,I,O]
    private static StoredTensor KernelsLast(StoredTensor tensor)
    {
        int[] shape = [tensor.Shape[2], tensor.Shape[3], tensor.Shape[1], tensor.Shape[0]];
        // If one size is zero, the others may be of any length, and there is nothing to copy.
        if (tensor.Values.Length == 0) return tensor with { Shape = shape };
        var (outputs, inputs, pixels) = (tensor.Shape[0], tensor.Shape[1], tensor.Shape[2] * tensor.Shape[3]);
        var values = new float[tensor.Values.Length];
        for (var o = 0; o < outputs; o++)
            for (var i = 0; i < inputs; i++)
                for (var p = 0; p < pixels; p++) values[(p * inputs + i) * outputs + o] = tensor.Values[(o * inputs + i) * pixels + p];
        return tensor with { Shape = shape, Values = values };
    }

    // [out, channels·pixels] → [pixels·channels, out]
    private static StoredTensor Dense(StoredTensor tensor, int pixels)
    {
        var (outputs, inputs) = (tensor.Shape[0], tensor.Shape[1]);
        if (tensor.Values.Length == 0) return tensor with { Shape = [inputs, outputs] };
        var channels = inputs / pixels;
        var values = new float[tensor.Values.Length];
        for (var o = 0; o < outputs; o++)
            for (var c = 0; c < channels; c++)
                for (var p = 0; p < pixels; p++) values[(p * channels + c) * outputs + o] = tensor.Values[o * inputs + c * pixels + p];
        return tensor with { Shape = [inputs, outputs], Values = values };
    }
}
