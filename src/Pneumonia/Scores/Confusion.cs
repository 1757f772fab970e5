using System.Text.Json;
using System.Text.Json.Serialization;

namespace Convolve.Pneumonia.Scores;

/// <summary>
/// How many images of each actual class (row) were predicted to be of each class (column). Of two classes the positive one comes second; in
/// JSON they are <c>{"tp","fp","tn","fn"}</c>, more classes are the matrix as an array of rows.
/// </summary>
[JsonConverter(typeof(ConfusionJson))]
public sealed class Confusion
{
    private readonly int[][] counts;

    /// <exception cref="ArgumentException">Not square, or fewer than two classes.</exception>
    public Confusion(int[][] counts)
    {
        if (counts.Length < 2 || counts.Any(row => row.Length != counts.Length))
            throw new ArgumentException("confusion: expected a square matrix of two classes or more");
        this.counts = counts;
    }

    public static Confusion OfTwo(int truePositives, int falsePositives, int trueNegatives, int falseNegatives) =>
        new([[trueNegatives, falsePositives], [falseNegatives, truePositives]]);

    public int Classes => counts.Length;

    public int this[int actual, int predicted] => counts[actual][predicted];

    public int Total => counts.Sum(row => row.Sum());

    public double Accuracy => (double)Enumerable.Range(0, Classes).Sum(c => counts[c][c]) / Total;

    /// <summary>Fraction of the class that was found: TP / (TP + FN); null where the class is absent.</summary>
    public double? Sensitivity(int of) => Ratio(counts[of][of], counts[of].Sum());

    /// <summary>
    /// Fraction of the other classes that was not predicted to be this one: TN / (TN + FP); null where there are no others.
    /// </summary>
    public double? Specificity(int of)
    {
        var others = Total - counts[of].Sum();
        return Ratio(others - (Predicted(of) - counts[of][of]), others);
    }

    /// <summary>Fraction of the predictions of this class that are right: TP / (TP + FP); 0 where it is never predicted.</summary>
    public double Precision(int of) => Ratio(counts[of][of], Predicted(of)) ?? 0;

    /// <summary>Harmonic mean of precision and sensitivity: 2 TP / (2 TP + FP + FN); null where the class is absent.</summary>
    public double? F1(int of) => counts[of].Sum() == 0 ? null : Ratio(2 * counts[of][of], counts[of].Sum() + Predicted(of));

    /// <summary>
    /// The class that is predicted for nearly every image: for nine tenths of its own and of the others, though there are others. Null
    /// where there is none. The accuracy of such predictions says how common the class is, and nothing else.
    /// </summary>
    public int? NearlyAlways()
    {
        const double NearlyAll = 0.9;
        for (var c = 0; c < Classes; c++)
        {
            int own = counts[c].Sum(), others = Total - own, othersPredicted = Predicted(c) - counts[c][c];
            if (others > 0 && counts[c][c] >= NearlyAll * own && othersPredicted >= NearlyAll * others) return c;
        }
        return null;
    }

    private int Predicted(int of) => counts.Sum(row => row[of]);

    private static double? Ratio(int part, int whole) => whole == 0 ? null : (double)part / whole;

    private sealed class ConfusionJson : JsonConverter<Confusion>
    {
        private sealed record Two(int Tp, int Fp, int Tn, int Fn);

        public override Confusion Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
        {
            if (reader.TokenType == JsonTokenType.StartArray)
                return new Confusion(JsonSerializer.Deserialize<int[][]>(ref reader, options)!);
            var two = JsonSerializer.Deserialize<Two>(ref reader, options)!;
            return OfTwo(two.Tp, two.Fp, two.Tn, two.Fn);
        }

        public override void Write(Utf8JsonWriter writer, Confusion value, JsonSerializerOptions options)
        {
            if (value.Classes == 2)
                JsonSerializer.Serialize(writer, new Two(value[1, 1], value[0, 1], value[0, 0], value[1, 0]), options);
            else
                JsonSerializer.Serialize(writer, value.counts, options);
        }
    }
}
