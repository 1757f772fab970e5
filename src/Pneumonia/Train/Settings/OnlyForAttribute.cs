using Convolve.Pneumonia.Models;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// The models that have a use for a setting. With another one it is refused: its record would say that the setting had been used.
/// </summary>
/// <param name="models">The models.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OnlyForAttribute(params ModelKind[] models) : Attribute
{
    public IReadOnlyList<ModelKind> Models => models;
}
