namespace Convolve.Engine.Files;

/// <summary>The folder for files of this user that can be created again.</summary>
public static class UserCache
{
    /// <summary>
    /// $CONVOLVE_CACHE, else $XDG_CACHE_HOME/convolve, else ~/.cache/convolve (%LOCALAPPDATA%\convolve on Windows). Users without a home
    /// get a folder of their own among the temporary files. The folder need not exist yet; the path is absolute unless CONVOLVE_CACHE is
    /// not.
    /// </summary>
    public static string Folder
    {
        get
        {
            if (Environment.GetEnvironmentVariable("CONVOLVE_CACHE") is { Length: > 0 } own) return own;
            var special = OperatingSystem.IsWindows() ? Environment.SpecialFolder.LocalApplicationData
                : Environment.SpecialFolder.UserProfile;
            // Empty if there is no such folder.
            var home = Environment.GetFolderPath(special);
            if (OperatingSystem.IsWindows() && home.Length > 0) return Path.Combine(home, "convolve");
            // The XDG specification says to ignore relative paths.
            if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathFullyQualified(cache))
                return Path.Combine(cache, "convolve");
            if (Path.IsPathFullyQualified(home)) return Path.Combine(home, ".cache", "convolve");
            return WritableFolder.Temporary("cache") ?? Path.Combine(Path.GetTempPath(), "convolve");
        }
    }
}
