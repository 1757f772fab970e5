namespace Convolve.Pneumonia.Train;

/// <summary>How a setting stands in the record of a run, where that is not as usual.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RecordedAttribute : Attribute
{
    /// <summary>Whether it says where or how, and nothing of the run: then it is neither recorded nor repeated.</summary>
    public bool Never { get; init; }

    /// <summary>Whether a run may go on with another value.</summary>
    public bool MayChange { get; init; }

    /// <summary>The setting after which it is recorded; null for the order of declaration.</summary>
    public string? After { get; init; }
}
