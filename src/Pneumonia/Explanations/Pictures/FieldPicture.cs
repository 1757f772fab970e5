using Convolve.Layers.Networks;

namespace Convolve.Pneumonia.Explanations;

/// <summary>
/// An X-ray with a frame around what the middle unit of each layer sees, in colours from the first layer's blue to the last one's orange.
/// </summary>
public static class FieldPicture
{
    /// <summary>The picture, each pixel a square of <paramref name="zoom"/>.</summary>
    public static Picture Over(ReadOnlySpan<byte> gray, int side, Sequential network, int zoom)
    {
        var picture = new Picture(side * zoom, side * zoom);
        picture.Draw(0, 0, gray, side, zoom);
        int[] layers = [.. network.Stages().Where(stage => !stage.KeepsValues && ReceptiveField.Of(network, stage.End - 1) is not null)
            .Select(stage => stage.End - 1)];
        for (var i = layers.Length - 1; i >= 0; i--)
        {
            var field = ReceptiveField.Of(network, layers[i])!.Value;
            var shape = network.Layers[layers[i]].OutputShape;
            (var top, var bottom) = field.Rows.Inside(shape[0] / 2);
            (var left, var right) = field.Columns.Inside(shape[1] / 2);
            var late = layers.Length == 1 ? 0 : i / (layers.Length - 1.0);
            var colour = ((byte)(60 + 195 * late), (byte)(170 - 20 * late), (byte)(255 - 205 * late));
            for (var x = left * zoom; x < right * zoom; x++) picture[x, top * zoom] = picture[x, bottom * zoom - 1] = colour;
            for (var y = top * zoom; y < bottom * zoom; y++) picture[left * zoom, y] = picture[right * zoom - 1, y] = colour;
        }
        return picture;
    }
}
