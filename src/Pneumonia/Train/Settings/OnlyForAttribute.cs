using Convolve.Pneumonia.Models;

namespace Convolve.Pneumonia.Train;

/// <summary>
/// The models that support a setting. Other models refuse it; otherwise the record would claim that the setting was used.
/// </summary>
/// <param name="models">The models.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OnlyForAttribute(params ModelKind[] models) : Attribute
{
    public IReadOnlyList<ModelKind> Models => models;
}
