namespace Convolve.Pneumonia.Reports;

/// <summary>Comma-separated text (RFC 4180).</summary>
public static class CsvText
{
    /// <summary>A field, in quotes where it needs them.</summary>
    public static string Field(string text) => text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";
}
