using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Tests.Files;

/// <summary>Only one command at a time writes to a folder, and the lock leaves no trace.</summary>
public sealed class FolderClaimTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private string Target => Path.Combine(folder.Path, "a", "b");

    public void Dispose() => folder.Dispose();

    private static string Refused(Func<FolderClaim> claim) => Assert.Throws<UserError>(claim).Message;

    [Fact]
    public void ASecondClaimIsRefusedUntilTheFirstHasEnded()
    {
        using (var first = FolderClaim.Of(Target))
        {
            Assert.Equal(Target, first.Folder);
            Assert.Contains($"--out {Target}: another command", Refused(() => FolderClaim.Of(Target)));
            Assert.Contains($"--out {Target}: another command", Refused(() => FolderClaim.OfEmpty(Target, "")));
            folder.Add("a/b/file", "x");
            // In use is reported before not empty.
            Assert.Contains("another command", Refused(() => FolderClaim.OfEmpty(Target, "")));
        }
        Assert.Contains("exists already; do that", Refused(() => FolderClaim.OfEmpty(Target, "do that")));
        FolderClaim.Of(Target).Dispose();
        Assert.Equal(["file"], Directory.EnumerateFileSystemEntries(Target).Select(Path.GetFileName));
    }

    [Fact]
    public void AClaimThatWroteNothingTakesItsFoldersAway()
    {
        FolderClaim.OfEmpty(Target, "").Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Directory.CreateDirectory(Target);
        FolderClaim.OfEmpty(Target, "").Dispose();
        Assert.Equal([Target],
            Directory.EnumerateFileSystemEntries(folder.Path, "*", SearchOption.AllDirectories).Where(path => path == Target));
    }

    [Fact]
    public void UnusedNamesAreCounted()
    {
        using FolderClaim first = FolderClaim.OfUnused(Target), second = FolderClaim.OfUnused(Target);
        Directory.CreateDirectory(Target + "-3");
        using var third = FolderClaim.OfUnused(Target);
        Assert.Equal([Target, Target + "-2", Target + "-4"], new[] { first, second, third }.Select(claim => claim.Folder));
    }

    [Fact]
    public void WhatAKilledCommandLeftBehindIsNoObstacleAndGoes()
    {
        folder.Add("a/b/.lock", "");
        folder.Add("a/b/.writable", "");
        folder.Add("a/b/.unfinished/half/picture.png", "x");
        using var claim = FolderClaim.OfEmpty(Target, "");
        Assert.Equal([".lock"], Directory.EnumerateFileSystemEntries(Target).Select(Path.GetFileName));
    }

    [Fact]
    public void FilesAndLinksIntoNothingAreNamed()
    {
        var file = folder.Add("file", "x");
        Assert.Equal($"--out {file}: is a file; name a folder", Refused(() => FolderClaim.Of(file)));
        var link = Path.Combine(folder.Path, "link");
        Directory.CreateSymbolicLink(link, "nowhere");
        Assert.Contains("is a link to nowhere", Refused(() => FolderClaim.Of(link)));
        Directory.CreateDirectory(Path.Combine(folder.Path, "nowhere"));
        using var claim = FolderClaim.Of(link);
        // The same folder under another name.
        Assert.Contains("another command", Refused(() => FolderClaim.Of(Path.Combine(folder.Path, "nowhere"))));
    }

    [Fact]
    public void AFolderThatWasRemovedIsNoLongerHeld()
    {
        using var claim = FolderClaim.Of(Target);
        claim.RequireHeld();
        Directory.Delete(Target, recursive: true);
        Assert.Contains("was removed", Assert.Throws<UserError>(claim.RequireHeld).Message);
        using var other = FolderClaim.Of(Target);
        Assert.Contains("was removed", Assert.Throws<UserError>(claim.RequireHeld).Message);
        claim.Dispose();
        other.RequireHeld();
    }

    [Fact]
    public void PublishingMovesWhatIsUnfinishedIntoTheFolder()
    {
        using (var claim = FolderClaim.OfEmpty(Target, ""))
        {
            folder.Add("a/b/.unfinished/index.html", "page");
            folder.Add("a/b/.unfinished/pictures/one.png", "x");
            claim.Publish("index.html");
        }
        Assert.Equal(["index.html", "pictures"], Directory.EnumerateFileSystemEntries(Target).Select(Path.GetFileName).Order());
        Assert.Equal("x", File.ReadAllText(Path.Combine(Target, "pictures", "one.png")));
    }

    /// <summary>Locks taken and released as fast as possible while the folder itself is created and removed: never two at once.</summary>
    [Fact]
    public void OfManyThatHurryOneAtATimeHasTheFolder()
    {
        int holders = 0, claims = 0, collisions = 0;
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            for (var i = 0; i < 200; i++)
            {
                try
                {
                    using var claim = FolderClaim.OfEmpty(Target, "");
                    if (Interlocked.Increment(ref holders) != 1) Interlocked.Increment(ref collisions);
                    Interlocked.Increment(ref claims);
                    Thread.Yield();
                    Interlocked.Decrement(ref holders);
                }
                catch (UserError e)
                {
                    Assert.True(e.Message.Contains("another command", StringComparison.Ordinal), e.ToString());
                }
            }
        });
        Assert.Equal(0, collisions);
        Assert.True(claims > 0);
        // Folders made by one and used by another may stay; files may not.
        Assert.Empty(Directory.EnumerateFiles(folder.Path, "*", SearchOption.AllDirectories));
    }
}
