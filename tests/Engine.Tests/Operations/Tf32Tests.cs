using Convolve.Engine.Operations.BlockProduct;

namespace Convolve.Engine.Tests.Operations;

/// <summary>
/// The tensor-core product on a machine without tensor cores. A host emulation of the instruction uses the lane layout of the
/// PTX ISA, and the kernel's own index functions move the values in and out.
/// </summary>
public sealed class Tf32Tests
{
    private const int Warps = 8, Lanes = 32;

    /// <summary>Corners of the tables "Matrix Fragments for mma.m16n8k8" of the PTX ISA, copied by hand: lane, value, row,
    /// column.</summary>
    [Theory]
    [InlineData("A", 0, 0, 0, 0)]
    [InlineData("A", 0, 1, 8, 0)]
    [InlineData("A", 0, 2, 0, 4)]
    [InlineData("A", 0, 3, 8, 4)]
    [InlineData("A", 1, 0, 0, 1)]
    [InlineData("A", 3, 2, 0, 7)]
    [InlineData("A", 4, 0, 1, 0)]
    [InlineData("A", 31, 0, 7, 3)]
    [InlineData("A", 31, 3, 15, 7)]
    [InlineData("B", 0, 0, 0, 0)]
    [InlineData("B", 0, 1, 4, 0)]
    [InlineData("B", 1, 0, 1, 0)]
    [InlineData("B", 4, 0, 0, 1)]
    [InlineData("B", 31, 0, 3, 7)]
    [InlineData("B", 31, 1, 7, 7)]
    [InlineData("C", 0, 0, 0, 0)]
    [InlineData("C", 0, 1, 0, 1)]
    [InlineData("C", 0, 2, 8, 0)]
    [InlineData("C", 1, 0, 0, 2)]
    [InlineData("C", 3, 1, 0, 7)]
    [InlineData("C", 4, 0, 1, 0)]
    [InlineData("C", 31, 3, 15, 7)]
    public void FragmentsAreThoseOfThePtxIsa(string matrix, int lane, int value, int row, int column)
    {
        var place = matrix switch
        {
            "A" => (Tf32Fragment.LeftRow(lane, value), Tf32Fragment.LeftDepth(lane, value)),
            "B" => (Tf32Fragment.RightDepth(lane, value), Tf32Fragment.RightColumn(lane)),
            _ => (Tf32Fragment.SumRow(lane, value), Tf32Fragment.SumColumn(lane, value)),
        };
        Assert.Equal((row, column), place);
    }

    [Fact]
    public void LanesShareEveryMatrixOutWithoutARest()
    {
        AssertEachOnce(Tf32Fragment.Rows * Tf32Fragment.Depth, Tf32Fragment.LeftValues,
            (lane, i) => Tf32Fragment.LeftRow(lane, i) * Tf32Fragment.Depth + Tf32Fragment.LeftDepth(lane, i));
        AssertEachOnce(Tf32Fragment.Depth * Tf32Fragment.Columns, Tf32Fragment.RightValues,
            (lane, i) => Tf32Fragment.RightDepth(lane, i) * Tf32Fragment.Columns + Tf32Fragment.RightColumn(lane));
        AssertEachOnce(Tf32Fragment.Rows * Tf32Fragment.Columns, Tf32Fragment.Sums,
            (lane, i) => Tf32Fragment.SumRow(lane, i) * Tf32Fragment.Columns + Tf32Fragment.SumColumn(lane, i));
    }

    [Theory]
    [InlineData(1f, 1f)]
    [InlineData(1f + 1f / 1024, 1f + 1f / 1024)]
    [InlineData(1f + 1f / 4096, 1f)]
    // Ties round away from zero.
    [InlineData(1f + 1f / 2048, 1f + 1f / 1024)]
    [InlineData(-1f - 1f / 2048, -1f - 1f / 1024)]
    [InlineData(1f + 3f / 2048, 1f + 2f / 1024)]
    [InlineData(float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    [InlineData(float.MaxValue, float.PositiveInfinity)]
    [InlineData(0f, 0f)]
    public void RoundingIsToTenBitsOfFraction(float value, float rounded) => Assert.Equal(rounded, Tf32Fragment.Round(value));

    [Fact]
    public void EveryNaNStaysOne()
    {
        foreach (var bits in new[] { 0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFFFFFFFFu })
            Assert.True(float.IsNaN(Tf32Fragment.Round(BitConverter.UInt32BitsToSingle(bits))));
    }

    [Fact]
    public void GroupOfWarpsComputesTheProductOfTheRoundedFactors()
    {
        const int size = GpuStaging.BlockPositions, depth = 3 * GpuStaging.BlockDepth;
        var left = Array.ConvertAll(RandomCases.Values(1, 1, size * depth), Tf32Fragment.Round);
        var right = Array.ConvertAll(RandomCases.Values(1, 2, depth * size), Tf32Fragment.Round);
        var sums = new float[Warps, Tf32WarpTile.TilesDown, Tf32WarpTile.TilesAcross, Lanes, Tf32Fragment.Sums];
        for (var depth0 = 0; depth0 < depth; depth0 += GpuStaging.BlockDepth)
        {
            var leftBlock = Block((d, r) => left[r * depth + depth0 + d]);
            var rightBlock = Block((d, c) => right[(depth0 + d) * size + c]);
            for (var warp = 0; warp < Warps; warp++)
                for (var down = 0; down < Tf32WarpTile.TilesDown; down++)
                    for (var across = 0; across < Tf32WarpTile.TilesAcross; across++)
                        EmulateInstruction(leftBlock, rightBlock, sums, warp, down, across);
        }

        var output = ThroughPasses(sums, size);
        for (var r = 0; r < size; r++)
            for (var c = 0; c < size; c++)
            {
                var expected = Enumerable.Range(0, depth).Sum(d => (double)left[r * depth + d] * right[d * size + c]);
                Assert.True(Math.Abs(expected - output[r * size + c]) < 1e-5,
                    $"row {r}, column {c}: {output[r * size + c]} instead of {expected}");
            }
    }

    /// <summary>A warp reads and writes shared memory 32 floats at a time, each in its own bank.</summary>
    [Fact]
    public void FragmentsLieInDifferentBanks()
    {
        for (var i = 0; i < Tf32Fragment.LeftValues; i++)
            Assert.Equal(32, Enumerable.Range(0, Lanes).Select(lane => Tf32WarpTile.LeftAt(3, lane, 1, i) % 32).Distinct().Count());
        for (var i = 0; i < Tf32Fragment.RightValues; i++)
            Assert.Equal(32, Enumerable.Range(0, Lanes).Select(lane => Tf32WarpTile.RightAt(3, lane, 5, i) % 32).Distinct().Count());
    }

    /// <summary>D = A·B + C from the values in the lanes' registers, as in hardware.</summary>
    private static void EmulateInstruction(float[] leftBlock, float[] rightBlock, float[,,,,] sums, int warp, int down, int across)
    {
        var a = new float[Tf32Fragment.Rows, Tf32Fragment.Depth];
        var b = new float[Tf32Fragment.Depth, Tf32Fragment.Columns];
        for (var lane = 0; lane < Lanes; lane++)
        {
            var (group, member) = (lane / 4, lane % 4);
            for (var i = 0; i < Tf32Fragment.LeftValues; i++)
                a[i is 0 or 2 ? group : group + 8, i < 2 ? member : member + 4] =
                    CutOff(leftBlock[Tf32WarpTile.LeftAt(warp, lane, down, i)]);
            for (var i = 0; i < Tf32Fragment.RightValues; i++)
                b[i == 0 ? member : member + 4, group] = CutOff(rightBlock[Tf32WarpTile.RightAt(warp, lane, across, i)]);
        }
        for (var lane = 0; lane < Lanes; lane++)
            for (var i = 0; i < Tf32Fragment.Sums; i++)
            {
                var (row, column) = (i < 2 ? lane / 4 : lane / 4 + 8, lane % 4 * 2 + i % 2);
                for (var d = 0; d < Tf32Fragment.Depth; d++) sums[warp, down, across, lane, i] += a[row, d] * b[d, column];
            }
    }

    /// <summary>The four passes through shared memory that move the accumulators to the output.</summary>
    private static float[] ThroughPasses(float[,,,,] sums, int size)
    {
        var output = new float[size * size];
        Array.Fill(output, float.NaN);
        for (var pass = 0; pass < 4; pass++)
        {
            var shared = new float[32 * Tf32WarpTile.BlockStride];
            Array.Fill(shared, float.NaN);
            for (var warp = 0; warp < Warps; warp++)
                for (var lane = 0; lane < Lanes; lane++)
                    for (var across = 0; across < Tf32WarpTile.TilesAcross; across++)
                        for (var i = 0; i < 2; i++)
                            shared[Tf32WarpTile.PassAt(warp, lane, across, i)] = sums[warp, pass / 2, across, lane, pass % 2 * 2 + i];
            for (var row = 0; row < 32; row++)
                for (var column = 0; column < size; column++)
                    output[Tf32WarpTile.PassRow(pass, row) * size + column] = shared[row * Tf32WarpTile.BlockStride + column];
        }
        return output;
    }

    /// <summary>The instruction ignores the low 13 bits, so a factor that was not rounded would be truncated.</summary>
    private static float CutOff(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & 0xFFFFE000u);

    /// <summary>A block [8][stride] as the kernel stages it.</summary>
    private static float[] Block(Func<int, int, float> value)
    {
        var block = new float[Tf32WarpTile.BlockLength];
        for (var d = 0; d < GpuStaging.BlockDepth; d++)
            for (var p = 0; p < GpuStaging.BlockPositions; p++) block[d * Tf32WarpTile.BlockStride + p] = value(d, p);
        return block;
    }

    private static void AssertEachOnce(int places, int values, Func<int, int, int> place) =>
        Assert.Equal(Enumerable.Range(0, places),
            Enumerable.Range(0, Lanes).SelectMany(lane => Enumerable.Range(0, values).Select(i => place(lane, i))).Order());
}
