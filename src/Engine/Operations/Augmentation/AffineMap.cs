namespace Convolve.Engine.Operations.Augmentation;

/// <summary>
/// The source position of each pixel of an augmented image: row' = a·row + b·column + c, column' = d·row + e·column + f, in pixels, for
/// every row and column of the result; and a factor on its values.
/// </summary>
/// <param name="RowFromRow">a.</param>
/// <param name="RowFromColumn">b.</param>
/// <param name="RowOffset">c, pixels.</param>
/// <param name="ColumnFromRow">d.</param>
/// <param name="ColumnFromColumn">e.</param>
/// <param name="ColumnOffset">f, pixels.</param>
/// <param name="Brightness">A factor; results above 255 become 255.</param>
public readonly record struct AffineMap(
    float RowFromRow, float RowFromColumn, float RowOffset, float ColumnFromRow, float ColumnFromColumn, float ColumnOffset,
    float Brightness = 1)
{
    /// <summary>Numbers that describe a map on the device.</summary>
    public const int Length = 7;

    /// <summary>Changes nothing.</summary>
    public static AffineMap Identity { get; } = new(1, 0, 0, 0, 1, 0);

    /// <summary>The inverse map. Brightness becomes 1 / brightness.</summary>
    /// <exception cref="InvalidOperationException">The map is singular.</exception>
    public AffineMap Inverse()
    {
        double a = RowFromRow, b = RowFromColumn, c = RowOffset, d = ColumnFromRow, e = ColumnFromColumn, f = ColumnOffset;
        var determinant = a * e - b * d;
        if (determinant == 0 || Brightness == 0) throw new InvalidOperationException($"{this} has no inverse");
        return new AffineMap(
            (float)(e / determinant), (float)(-b / determinant), (float)((b * f - e * c) / determinant),
            (float)(-d / determinant), (float)(a / determinant), (float)((d * c - a * f) / determinant), 1 / Brightness);
    }

    /// <summary>Writes the seven numbers in the order of the parameters.</summary>
    public void CopyTo(Span<float> target)
    {
        target[0] = RowFromRow;
        target[1] = RowFromColumn;
        target[2] = RowOffset;
        target[3] = ColumnFromRow;
        target[4] = ColumnFromColumn;
        target[5] = ColumnOffset;
        target[6] = Brightness;
    }
}
