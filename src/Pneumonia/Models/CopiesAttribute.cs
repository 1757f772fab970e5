using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Models;

/// <summary>How many copies of an image are predicted: see <see cref="TestTimeAugmentation"/>.</summary>
internal sealed class CopiesAttribute() : WholeAttribute(
    "ask about N copies of each image, the first as it is, the others mirrored by chance and moved a little, and take the mean "
        + "probability (1)",
    1, TestTimeAugmentation.MostCopies);
