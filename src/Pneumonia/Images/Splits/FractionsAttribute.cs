using System.Globalization;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>Three fractions that sum to 1; the last may be 0.</summary>
internal sealed class FractionsAttribute(string help)
    : OptionAttribute("TRAIN,VAL,TEST", help, "three numbers such as 0.8,0.1,0.1 that sum to 1, train and val above 0")
{
    protected override object? Parse(string text)
    {
        var fields = text.Split(',');
        var shares = new double[3];
        if (fields.Length != 3) return null;
        for (var i = 0; i < 3; i++)
            if (!double.TryParse(fields[i], NumberStyles.Float, CultureInfo.InvariantCulture, out shares[i])) return null;
        var fits = shares[0] > 0 && shares[1] > 0 && shares[2] >= 0 && Math.Abs(shares.Sum() - 1) < 1e-6;
        return fits ? new SplitFractions(shares[0], shares[1], shares[2]) : null;
    }
}
