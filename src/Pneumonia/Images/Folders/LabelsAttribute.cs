using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>Where the classes come from.</summary>
internal sealed class LabelsAttribute()
    : ChoiceAttribute<LabelScheme>("classes by folder, or BACTERIAL, NORMAL, VIRAL by file name (folders)");
