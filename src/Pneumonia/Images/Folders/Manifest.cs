using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>What a manifest says about one image; null where it lacks the column.</summary>
public sealed record ManifestRow(string? Patient, string? Subtype, string? DuplicateGroup);

/// <summary>
/// <c>manifest.csv</c> of a data folder: a header line, comma-separated, double quotes around fields that need them. Columns are
/// found by name: <c>path</c> (required, relative to the folder), <c>patient</c>, <c>subtype</c>, <c>duplicate_group</c>;
/// any others are left alone.
/// </summary>
public static class Manifest
{
    public const string FileName = "manifest.csv";

    /// <summary>The rows by relative path, or an empty table where the folder has no manifest.</summary>
    /// <exception cref="UserError">The file has no column <c>path</c>, lists a path twice or cannot be read.</exception>
    public static IReadOnlyDictionary<string, ManifestRow> Read(string folder)
    {
        var rows = new Dictionary<string, ManifestRow>(StringComparer.Ordinal);
        var file = Path.Combine(folder, FileName);
        if (!File.Exists(file)) return rows;

        List<string[]> records;
        try { records = CsvText.Records(File.ReadAllText(file)); }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw UserError.From(e, $"{file}: cannot be read");
        }
        if (records.Count == 0) throw new UserError($"{file}: is empty; delete it or give it a header line with a column 'path'");

        string[] header = [.. records[0].Select(name => name.Trim().ToLowerInvariant())];
        var path = Array.IndexOf(header, "path");
        if (path < 0)
            throw new UserError(
                $"{file}: has no column 'path' (columns: {string.Join(", ", header)}); name the column of relative paths 'path'");
        var patient = Array.IndexOf(header, "patient");
        var subtype = Array.IndexOf(header, "subtype");
        var duplicate = Array.IndexOf(header, "duplicate_group");

        foreach (var record in records.Skip(1))
        {
            string? Field(int column) => column < 0 ? null : column < record.Length ? record[column].Trim() : "";
            var key = Field(path)!.Replace('\\', '/');
            if (key.StartsWith("./", StringComparison.Ordinal)) key = key[2..];
            if (key.Length == 0) continue;
            if (!rows.TryAdd(key, new ManifestRow(Field(patient), Field(subtype), Field(duplicate))))
                throw new UserError($"{file}: lists {key} twice; leave one of the lines");
        }
        return rows;
    }

    /// <summary>
    /// The row of an image; null where there is none. A system that copies a folder may compose the letters of its names in another way.
    /// </summary>
    /// <param name="rows">The manifest.</param>
    /// <param name="relativePath">The path below the data folder, with forward slashes.</param>
    public static ManifestRow? RowOf(IReadOnlyDictionary<string, ManifestRow> rows, string relativePath) =>
        rows.GetValueOrDefault(relativePath) ?? rows.GetValueOrDefault(UnicodeForm.Composed(relativePath))
        ?? rows.GetValueOrDefault(UnicodeForm.Decomposed(relativePath));
}
