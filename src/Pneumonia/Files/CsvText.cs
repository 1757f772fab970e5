using System.Text;

namespace Convolve.Pneumonia.Files;

/// <summary>Comma-separated text (RFC 4180).</summary>
public static class CsvText
{
    /// <summary>A field, quoted if necessary.</summary>
    public static string Field(string text) => text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"")}\"";

    /// <summary>The records of a text: quoted fields may contain commas, line breaks and doubled quotes.</summary>
    /// <exception cref="FormatException">A quoted field does not end.</exception>
    public static List<string[]> Records(string text)
    {
        var records = new List<string[]>();
        var fields = new List<string>();
        var field = new StringBuilder();
        bool quoted = false, any = false;
        void EndRecord()
        {
            if (any || fields.Count > 0)
            {
                fields.Add(field.ToString());
                records.Add([.. fields]);
            }
            field.Clear();
            fields.Clear();
            any = false;
        }
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (quoted)
            {
                if (c != '"') field.Append(c);
                else if (i + 1 < text.Length && text[i + 1] == '"') { field.Append('"'); i++; }
                else quoted = false;
            }
            else if (c == '"') { quoted = true; any = true; }
            else if (c == ',') { fields.Add(field.ToString()); field.Clear(); any = true; }
            else if (c == '\n') EndRecord();
            else if (c != '\r') { field.Append(c); any = true; }
        }
        if (quoted) throw new FormatException("a quoted field has no closing quote");
        EndRecord();
        return records;
    }
}
