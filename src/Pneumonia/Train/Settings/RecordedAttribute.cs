namespace Convolve.Pneumonia.Train;

/// <summary>How a setting is recorded in a run, if not in the usual way.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class RecordedAttribute : Attribute
{
    /// <summary>Whether it affects only where or how the program runs: then it is neither recorded nor repeated.</summary>
    public bool Never { get; init; }

    /// <summary>Whether a run may be resumed with another value.</summary>
    public bool MayChange { get; init; }

    /// <summary>The setting after which it is recorded; null for the order of declaration.</summary>
    public string? After { get; init; }
}
