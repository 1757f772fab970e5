using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.MatrixMultiply;
using Convolve.Engine.Operations.Pooling;
using Convolve.Engine.Tensors;

namespace Convolve.Engine.Tests.Tensors;

/// <summary>An error about shapes names the operation and the shapes, in one line.</summary>
public sealed class GeometryErrorTests
{
    private static readonly Shape image = new(8, 150, 150, 3);

    public static TheoryData<string, Action> Mistakes => new()
    {
        { "convolution: input [8,150,150,3] has 3 channels, kernel [3,3,1,32] expects 1",
            () => ConvolutionGeometry.Create(image, new(3, 3, 1, 32), Padding.Valid) },
        { "convolution: kernel [7,7,3,4] is larger than the input [1,5,9,3] with its padding (valid)",
            () => ConvolutionGeometry.Create(new(1, 5, 9, 3), new(7, 7, 3, 4), Padding.Valid) },
        { "convolution: kernel [9,1,3,4] is larger than the input [1,5,9,3] with its padding (1)",
            () => ConvolutionGeometry.Create(new(1, 5, 9, 3), new(9, 1, 3, 4), Padding.Of(1)) },
        { "convolution: input [8,150] must be [N,H,W,C]", () => ConvolutionGeometry.Create(new(8, 150), new(3, 3, 3, 32), Padding.Valid) },
        { "convolution: kernel [3,3] must be [KH,KW,C,K]", () => ConvolutionGeometry.Create(image, new(3, 3), Padding.Valid) },
        { "convolution: stride 0 must be at least 1", () => ConvolutionGeometry.Create(image, new(3, 3, 3, 1), Padding.Valid, 0) },
        { "pooling: window 3x2 is larger than the input [1,2,2,1]", () => PoolingGeometry.Create(new(1, 2, 2, 1), 3, 2, 1) },
        { "pooling: input [2,2] must be [N,H,W,C]", () => PoolingGeometry.Create(new(2, 2), 2, 2, 2) },
        { "pooling: stride 0 must be at least 1", () => PoolingGeometry.Create(image, 2, 2, 0) },
        { "pooling: window 0x2 must be at least 1x1", () => PoolingGeometry.Create(image, 0, 2, 2) },
        { "matrix multiply: [2,3] has inner size 3, [4,5] has 4", () => MatrixMultiplyGeometry.Create(new(2, 3), new(4, 5)) },
        { "matrix multiply: [2,3]ᵀ has inner size 2, [4,5]ᵀ has 5", () => MatrixMultiplyGeometry.Create(new(2, 3), new(4, 5), true, true) },
        { "matrix multiply: [2] and [4,5] must both have two dimensions", () => MatrixMultiplyGeometry.Create(new(2), new(4, 5)) },
        { "shape [2,0]: every size must be at least 1", () => _ = new Shape(2, 0) },
        { "shape [65536,32768] has more than", () => _ = new Shape(65536, 32768) },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void MessagesNameTheOperationAndTheShapes(string message, Action mistake)
    {
        var error = Assert.Throws<ArgumentException>(mistake);
        Assert.StartsWith(message, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void NegativePaddingIsRefused() => Assert.Throws<ArgumentOutOfRangeException>(() => Padding.Of(-1));

    [Theory]
    [InlineData(150, 3, 1, 150, 1)]
    [InlineData(7, 4, 1, 7, 1)]
    [InlineData(7, 3, 2, 4, 1)]
    [InlineData(8, 3, 2, 4, 0)]
    [InlineData(8, 5, 3, 3, 1)]
    [InlineData(5, 1, 3, 2, 0)]
    public void SamePaddingIsThatOfKeras(int size, int kernel, int stride, int output, int before)
    {
        var g = ConvolutionGeometry.Create(new(1, size, size, 1), new(kernel, kernel, 1, 1), Padding.Same, stride);
        Assert.Equal((output, output, before, before), (g.OutputHeight, g.OutputWidth, g.PaddingTop, g.PaddingLeft));
    }
}
