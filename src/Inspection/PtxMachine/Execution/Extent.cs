namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>Groups of a grid or threads of a group in three directions, or a place among them.</summary>
public readonly record struct Extent(int X, int Y = 1, int Z = 1)
{
    /// <summary>How many there are in all.</summary>
    public long Size => (long)X * Y * Z;

    /// <summary>All places, x changing fastest.</summary>
    public IEnumerable<Extent> Places
    {
        get
        {
            for (var z = 0; z < Z; z++)
                for (var y = 0; y < Y; y++)
                    for (var x = 0; x < X; x++) yield return new Extent(x, y, z);
        }
    }

    /// <summary>The place of a number among <see cref="Places"/>.</summary>
    public Extent PlaceOf(int number) => new(number % X, number / X % Y, number / X / Y);

    /// <inheritdoc/>
    public override string ToString() => $"({X}, {Y}, {Z})";
}
