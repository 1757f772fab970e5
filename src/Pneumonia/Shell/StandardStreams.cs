using System.Runtime.InteropServices;
using System.Text;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Standard output and standard error, in any state. A result that cannot be written is an error. Progress and notes that cannot be
/// written are dropped: a training does not stop because the disk of its log is full, or its terminal closed.
/// </summary>
/// <remarks>.NET silently ignores writes to a pipe without a reader, as in <c>| head -1</c>.</remarks>
internal static class StandardStreams
{
    private const int OutputNumber = 1, ErrorNumber = 2;

    // fcntl's F_GETFD and FD_CLOEXEC, the same on every Unix.
    private const int GetFlags = 1, CloseOnExecution = 1;

    /// <summary>Opens both and installs them as <see cref="Console.Out"/> and <see cref="Console.Error"/>.</summary>
    public static Terminal Open()
    {
        if (OperatingSystem.IsWindows()) Console.OutputEncoding = Encoding.UTF8;
        Console.SetOut(Writer(OutputNumber, Console.OpenStandardOutput,
            reason => throw new UnwritableOutput(reason.Message.ReplaceLineEndings(" "), reason)));
        Console.SetError(Writer(ErrorNumber, Console.OpenStandardError, _ => { }));
        return new Terminal(Console.Out, Console.Error);
    }

    private static StreamWriter Writer(int number, Func<Stream> open, Action<Exception> failed) =>
        new(new GuardedStream(IsOurs(number) ? null : open(), failed), new UTF8Encoding(false)) { AutoFlush = true };

    /// <summary>
    /// Whether the descriptor of a standard stream belongs to a file of this program. If a stream was closed at the start, its descriptor
    /// goes to the next file opened, such as the runtime's signal pipe, which output must not reach. Such files are close-on-exec; an
    /// inherited stream cannot be.
    /// </summary>
    private static bool IsOurs(int number) => !OperatingSystem.IsWindows() && FileControl(number, GetFlags) is var flags
        && (flags < 0 || (flags & CloseOnExecution) != 0);

    [DllImport("libc", EntryPoint = "fcntl")]
    private static extern int FileControl(int file, int command);

    /// <summary>A writable stream that reports failures.</summary>
    /// <param name="inner">The stream; null for a closed one.</param>
    /// <param name="failed">Called on a failure.</param>
    private sealed class GuardedStream(Stream? inner, Action<Exception> failed) : Stream
    {
        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            if (buffer.Length == 0) return;
            try
            {
                if (inner is null) throw new IOException("it is closed");
                inner.Write(buffer);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failed(e);
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
