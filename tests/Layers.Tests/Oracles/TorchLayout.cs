using Convolve.Engine.Tensors;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Oracles;

/// <summary>Converts libtorch's layouts to this project's, with channels last.</summary>
internal static class TorchLayout
{
    /// <summary>[N,C,H,W] → [N,H,W,C].</summary>
    public static (Shape Shape, float[] Values) Images(StoredTensor tensor) => Permuted(tensor, 0, 2, 3, 1);

    /// <summary>[out,in,KH,KW] → [KH,KW,in,out].</summary>
    public static (Shape Shape, float[] Values) Kernel(StoredTensor tensor) => Permuted(tensor, 2, 3, 1, 0);

    /// <summary>[out,in] → [in,out].</summary>
    public static (Shape Shape, float[] Values) Dense(StoredTensor tensor) => Permuted(tensor, 1, 0);

    /// <summary>
    /// [out,in] → [in,out] for the dense layer after Flatten: its inputs are in C-H-W order there and in H-W-C order here.
    /// </summary>
    /// <param name="tensor">The weights.</param>
    /// <param name="image">The input of Flatten, [H,W,C].</param>
    public static (Shape Shape, float[] Values) DenseAfterFlatten(StoredTensor tensor, Shape image)
    {
        var unflattened = new StoredTensor([tensor.Shape[0], image[2], image[0], image[1]], tensor.Values);
        var (shape, values) = Permuted(unflattened, 2, 3, 1, 0);
        return (new Shape(shape[0] * shape[1] * shape[2], shape[3]), values);
    }

    /// <summary>Dimension i of the result is dimension <c>order[i]</c> of the source.</summary>
    private static (Shape Shape, float[] Values) Permuted(StoredTensor source, params int[] order)
    {
        var strides = new int[order.Length];
        for (var (d, stride) = (order.Length - 1, 1); d >= 0; stride *= source.Shape[d], d--) strides[d] = stride;
        var shape = new Shape([.. order.Select(d => source.Shape[d])]);
        var values = new float[shape.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var from = 0;
            for (var (d, rest) = (order.Length - 1, i); d >= 0; rest /= shape[d], d--) from += rest % shape[d] * strides[order[d]];
            values[i] = source.Values[from];
        }
        return (shape, values);
    }
}

public sealed class TorchLayoutTests
{
    [Fact]
    public void ImagesChannelsComeLast()
    {
        // Two channels of 1×3 pixels.
        var (shape, values) = TorchLayout.Images(new StoredTensor([1, 2, 1, 3], [1, 2, 3, 10, 20, 30]));
        Assert.Equal(new Shape(1, 1, 3, 2), shape);
        Assert.Equal([1, 10, 2, 20, 3, 30], values);
    }

    [Fact]
    public void RowsAfterFlattenFollowTheImage()
    {
        var (shape, values) = TorchLayout.DenseAfterFlatten(new StoredTensor([1, 6], [1, 2, 3, 10, 20, 30]), new Shape(1, 3, 2));
        Assert.Equal(new Shape(6, 1), shape);
        Assert.Equal([1, 10, 2, 20, 3, 30], values);
    }
}
