using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Ends the program on SIGINT (Ctrl-C), SIGTERM and SIGHUP (the terminal closed). The first signal requests cancellation and waits as long
/// as there is <see cref="UnsavedWork"/>; a command that does not respond within a second, for example waiting for a file, is ended. A
/// second signal ends the program immediately.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private static readonly TimeSpan patience = TimeSpan.FromMilliseconds(500), tidying = TimeSpan.FromMilliseconds(150);

    // One request may cause several signals: a closing shell sends SIGHUP after the kernel did, and timeout signals the process and its
    // group.
    private static readonly TimeSpan echo = TimeSpan.FromMilliseconds(200);

    private readonly CancellationTokenSource stop = new();
    private readonly List<PosixSignalRegistration> registrations = [];
    private readonly Stopwatch sinceFirst = new();
    private readonly Lock change = new();
    private readonly Action tidy;
    private int received;

    /// <summary>Handles signals until it is disposed.</summary>
    /// <param name="tidy">Removes what unfinished commands leave behind, before the program is ended.</param>
    public Interruption(Action tidy)
    {
        this.tidy = tidy;
        Register(PosixSignal.SIGINT, 2);
        Register(PosixSignal.SIGTERM, 15);
        // Under nohup the program outlives its terminal.
        if (!IsIgnored(1)) Register(PosixSignal.SIGHUP, 1);
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => stop.Token;

    /// <summary>The exit code of the process: for a stopped command, 128 plus the signal number.</summary>
    public int ExitCodeOf(int code) => code == ExitCode.Stopped && received != 0 ? 128 + received : code;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in registrations) registration.Dispose();
    }

    private void Register(PosixSignal signal, int number) => registrations.Add(PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = true;
        Receive(number);
    }));

    private void Receive(int number)
    {
        lock (change)
        {
            if (received != 0)
            {
                if (sinceFirst.Elapsed > echo) Exit(128 + number);
                return;
            }
            received = number;
            sinceFirst.Start();
        }
        new Thread(EndIfNeeded) { IsBackground = true, Name = "end of the program" }.Start();
        stop.Cancel();
    }

    private void EndIfNeeded()
    {
        Thread.Sleep(patience);
        var saved = UnsavedWork.Exists;
        while (UnsavedWork.Exists) Thread.Sleep(20);
        // Time for its last messages.
        if (saved) Thread.Sleep(patience);
        // On a disconnected drive this may block forever.
        var last = new Thread(() =>
        {
            if (!saved) Console.Error.WriteLine("stopped");
            tidy();
        })
        { IsBackground = true };
        last.Start();
        last.Join(tidying);
        Exit(128 + received);
    }

    /// <summary>Exits immediately: normal exit handlers would wait for the command, and those of drivers for their kernels.</summary>
    private static void Exit(int code)
    {
        if (OperatingSystem.IsWindows()) Environment.Exit(code);
        else ExitNow(code);
    }

    private static bool IsIgnored(int signal)
    {
        if (OperatingSystem.IsWindows()) return false;
        var before = Handle(signal, Ignore);
        if (before != Ignore) Handle(signal, before);
        return before == Ignore;
    }

    // SIG_IGN.
    private const nint Ignore = 1;

    [DllImport("libc", EntryPoint = "signal")]
    private static extern nint Handle(int signal, nint handler);

    [DllImport("libc", EntryPoint = "_exit")]
    private static extern void ExitNow(int code);
}
