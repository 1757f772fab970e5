namespace Convolve.Pneumonia.Shell;

/// <summary>Work that would be lost if the program ended now; a signal handler waits until it is saved. Process-wide, like
/// signals.</summary>
internal static class UnsavedWork
{
    private static int pending;

    /// <summary>Whether there is some.</summary>
    public static bool Exists => Volatile.Read(ref pending) > 0;

    /// <summary>Work that is unsaved until the result is disposed.</summary>
    public static IDisposable Begin()
    {
        Interlocked.Increment(ref pending);
        return new Work();
    }

    private sealed class Work : IDisposable
    {
        private int ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref ended, 1) == 0) Interlocked.Decrement(ref pending);
        }
    }
}
