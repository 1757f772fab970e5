namespace Convolve.Pneumonia.Images;

/// <summary>Where a path ends once every link on its way is followed, so that two ways to one file are known to be one.</summary>
public static class RealPath
{
    // As Linux: more links than this on one way are a circle.
    private const int MostLinks = 40;

    /// <summary>The path without links; null where a link leads nowhere or in a circle.</summary>
    public static string? Of(string path)
    {
        var full = Path.GetFullPath(path);
        var at = Path.GetPathRoot(full)!;
        var left = new Stack<string>(Names(full[at.Length..]));
        for (var links = 0; left.TryPop(out var name);)
        {
            if (name == "..")
            {
                at = Path.GetDirectoryName(at) ?? at;
                continue;
            }
            var next = Path.Combine(at, name);
            if (LinkTarget(next) is not { } target)
            {
                at = next;
                continue;
            }
            if (++links > MostLinks) return null;
            if (Path.IsPathRooted(target))
            {
                at = Path.GetPathRoot(target)!;
                target = target[at.Length..];
            }
            foreach (var part in Names(target)) left.Push(part);
        }
        return Path.Exists(at) ? at : null;
    }

    // The last name first, as a stack takes them.
    private static IEnumerable<string> Names(string path) =>
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries)
            .Where(name => name != ".").Reverse();

    private static string? LinkTarget(string path)
    {
        try { return new FileInfo(path).LinkTarget; }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException) { return null; }
    }
}
