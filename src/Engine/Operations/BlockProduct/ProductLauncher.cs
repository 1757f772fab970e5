using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Operations.BlockProduct;

/// <summary>Distributes a product over a device, in the device's variant, and splits the depth if there are too few outputs.</summary>
internal static class ProductLauncher
{
    /// <summary>Shorter splits cost more in partial sums than they gain.</summary>
    private const int ShortestSplit = 1024;

    /// <summary>A small even number of items on a CPU. The number of cores does not affect how sums are split.</summary>
    private const int FewEvenItems = 2;

    /// <summary>output [rows, columns] = left [rows, depth] · right [depth, columns], with an epilogue.</summary>
    public static void Launch<TLeft, TRight>(
        Device device, TLeft left, TRight right, int rows, int columns, int depth,
        ArrayView<float> output, Epilogue epilogue, ArrayView<float> bias = default)
        where TLeft : struct, ILeftOperand
        where TRight : struct, IRightOperand
    {
        if (epilogue.HasBias == 0) bias = device.Nothing.View(1);
        var cpu = device.Shape == KernelShape.Cpu;
        var (rowBlock, mostTiles, tileColumns) = !cpu ? (GpuStaging.BlockPositions, 1, GpuStaging.BlockPositions)
            : device.HasWideVectors ? (Tile8x32.RowBlock, Tile8x32.TilesPerItem, Tile8x32.Columns)
            : (Tile3x32.RowBlock, Tile3x32.TilesPerItem, Tile3x32.Columns);
        var rowBlocks = Rounding.CeilDiv(rows, rowBlock);
        var tiles = Rounding.CeilDiv(columns, tileColumns);
        var mostSplits = Rounding.CeilDiv(depth, ShortestSplit);
        // As many tiles per item as leave work for all workers; fewer tiles are better than partial sums, as long as a packed left block
        // serves four.
        var tilesPerItem = Math.Min(tiles, mostTiles);
        while (tilesPerItem > 4 && !AreEnough(device, rowBlocks * Rounding.CeilDiv(tiles, tilesPerItem))) tilesPerItem--;
        var splits = 1;
        if (!AreEnough(device, rowBlocks * Rounding.CeilDiv(tiles, tilesPerItem)))
        {
            tilesPerItem = Math.Min(tiles, mostTiles);
            while (tilesPerItem > 1 && rowBlocks * Rounding.CeilDiv(tiles, tilesPerItem) * mostSplits < device.SumParts) tilesPerItem--;
            splits = Math.Clamp(Rounding.CeilDiv(device.SumParts, rowBlocks * Rounding.CeilDiv(tiles, tilesPerItem)), 1, mostSplits);
        }
        // With more cores, fewer tiles each, which changes no sum, as long as a packed left block serves four.
        if (device.ParallelItems > device.SumParts)
            while (tilesPerItem > 4 && rowBlocks * Rounding.CeilDiv(tiles, tilesPerItem) * splits < device.ParallelItems) tilesPerItem--;
        // Even division: 33 tiles become 17 and 16, not 32 and 1.
        var columnBlocks = Rounding.CeilDiv(tiles, tilesPerItem);
        tilesPerItem = Rounding.CeilDiv(tiles, columnBlocks);
        var depthPerSplit = Rounding.CeilDiv(Rounding.CeilDiv(depth, splits), Tile3x32.DepthBlock) * Tile3x32.DepthBlock;
        splits = Rounding.CeilDiv(depth, depthPerSplit);
        // The same with rows.
        var rowsPerItem = cpu
            ? Rounding.CeilDiv(Rounding.CeilDiv(rows, rowBlocks), Tile8x32.Rows) * Tile8x32.Rows
            : GpuStaging.BlockPositions;
        rowBlocks = Rounding.CeilDiv(rows, rowsPerItem);
        var sizes = new ProductSizes
        {
            Rows = rows,
            Columns = columns,
            Depth = depth,
            DepthPerSplit = depthPerSplit,
            RowsPerItem = rowsPerItem,
            TilesPerItem = tilesPerItem,
            Epilogue = splits == 1 ? epilogue : Epilogue.Of(),
        };
        var grid = new GroupGrid(rowBlocks, columnBlocks, splits, GpuStaging.GroupSize);
        if (splits == 1)
        {
            LaunchTiles(device, left, right, output, bias, sizes, grid);
            return;
        }
        var parts = device.Pool.Rent((long)splits * rows * columns);
        LaunchTiles(device, left, right, parts.View(splits * rows * columns), device.Nothing.View(1), sizes, grid);
        SplitSum.Launch(device, parts.View(splits * rows * columns), output, rows, columns, splits, epilogue, bias);
        parts.Release();
    }

    /// <summary>Whether this many items keep all workers busy without a split: many, or on a CPU few that divide evenly.</summary>
    private static bool AreEnough(Device device, int items) =>
        items >= device.SumParts || (device.Shape == KernelShape.Cpu && items >= device.SumParts / 2 && items % FewEvenItems == 0);

    private static void LaunchTiles<TLeft, TRight>(
        Device device, TLeft left, TRight right, ArrayView<float> output, ArrayView<float> bias, ProductSizes sizes, GroupGrid grid)
        where TLeft : struct, ILeftOperand
        where TRight : struct, IRightOperand
    {
        if (device.UsesTf32)
            device.Kernels.ForEachGroup(grid,
                new Tf32BlockProduct<TLeft, TRight> { Left = left, Right = right, Output = output, Bias = bias, Sizes = sizes });
        else if (device.Shape == KernelShape.Gpu)
            device.Kernels.ForEachGroup(grid,
                new GpuBlockProduct<TLeft, TRight> { Left = left, Right = right, Output = output, Bias = bias, Sizes = sizes });
        else if (device.HasWideVectors) LaunchCpu<Tile8x32>();
        else LaunchCpu<Tile3x32>();

        void LaunchCpu<TTile>() where TTile : struct, ICpuTile =>
            device.Kernels.ForEachQueued(grid.X * grid.Y * grid.Z,
                new CpuBlockProduct<TLeft, TRight, TTile> { Left = left, Right = right, Output = output, Bias = bias, Sizes = sizes });
    }
}
