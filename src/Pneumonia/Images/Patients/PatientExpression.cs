using System.Text.RegularExpressions;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>The user's own rule for who is a patient: a regular expression whose one group is the patient.</summary>
public sealed class PatientExpression
{
    // An expression that takes longer for a path backtracks without end.
    private static readonly TimeSpan longest = TimeSpan.FromSeconds(1);

    private readonly Regex expression;

    private PatientExpression(Regex expression) => this.expression = expression;

    /// <summary>The rule's name in notes and files.</summary>
    public string Rule => $"--patient {expression}";

    /// <summary>Reads an expression.</summary>
    /// <exception cref="UserError">It is not a regular expression, or has not exactly one group.</exception>
    public static PatientExpression Parse(string text)
    {
        Regex parsed;
        try { parsed = new Regex(text, RegexOptions.CultureInvariant, longest); }
        catch (ArgumentException e) { throw UserError.From(e, $"--patient: '{text}' is not a regular expression"); }
        var groups = parsed.GetGroupNumbers().Length - 1;
        if (groups == 1) return new PatientExpression(parsed);
        var what = groups == 0 ? "has no group" : $"has {groups} groups";
        throw new UserError(
            $"--patient: '{text}' {what}; put the part of the path that names the patient, and nothing else, into parentheses, "
            + "as in 'study_([0-9]+)_', and write (?:…) for any others");
    }

    /// <summary>The patient that a path below the data folder names; null where the expression does not fit it.</summary>
    /// <exception cref="UserError">The expression takes too long.</exception>
    public KnownPatient? Of(string relativePath)
    {
        try
        {
            var found = expression.Match(relativePath).Groups[expression.GetGroupNumbers()[1]];
            return found is { Success: true, Length: > 0 } ? new KnownPatient(found.Value, Rule) : null;
        }
        catch (RegexMatchTimeoutException)
        {
            throw new UserError($"--patient: '{expression}' takes more than {longest.TotalSeconds:F0} s for {relativePath}; "
                + "write it without repetitions inside repetitions");
        }
    }
}
