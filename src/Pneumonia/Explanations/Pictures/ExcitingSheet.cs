using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// The inputs that most excite some channels of a layer, side by side: of each a square from the middle, twice as wide as a unit sees.
/// </summary>
public static class ExcitingSheet
{
    private const int SmallestTile = 96, Gap = 4, Across = 8;

    /// <summary>The sheet as a PNG file.</summary>
    /// <param name="network">The network.</param>
    /// <param name="layer">The layer, counted from 0.</param>
    /// <param name="inputs">[H,W,C] bytes for each channel.</param>
    public static byte[] Draw(Sequential network, int layer, IReadOnlyList<byte[]> inputs)
    {
        int height = network.InputShape[0], width = network.InputShape[1], colours = network.InputShape[2];
        var field = ReceptiveField.Of(network, layer) is { } sees ? Math.Max(sees.Rows.Size, sees.Columns.Size) : Math.Max(width, height);
        int side = Math.Min(Math.Min(height, width), Math.Max(12, 2 * field)), zoom = Math.Max(1, (SmallestTile + side - 1) / side);
        int across = Math.Min(Across, inputs.Count), tile = side * zoom + Gap;
        var picture = new Picture(Gap + across * tile, Gap + (inputs.Count + across - 1) / across * tile).Filled(255);
        for (var t = 0; t < inputs.Count; t++)
        {
            var middle = new byte[side * side * colours];
            for (var y = 0; y < side; y++)
                inputs[t].AsSpan((((height - side) / 2 + y) * width + (width - side) / 2) * colours, side * colours)
                    .CopyTo(middle.AsSpan(y * side * colours));
            picture.Draw(Gap + t % across * tile, Gap + t / across * tile, middle, side, zoom);
        }
        return picture.ToPng();
    }
}
