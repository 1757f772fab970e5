using System.Runtime.InteropServices;
using System.Text;

namespace Convolve.Pneumonia.Shell;

/// <summary>
/// Standard output and standard error, whatever state they are in. A result that cannot be written is an error. Progress and notes that cannot be
/// written are lost: a training does not end because the disk with its log is full, or the terminal that watched it is gone.
/// </summary>
/// <remarks>A pipe whose reader has gone, as in <c>| head -1</c>, takes everything without a word: that is .NET's own way.</remarks>
internal static class StandardStreams
{
    private const int OutputNumber = 1, ErrorNumber = 2;

    // fcntl's F_GETFD and FD_CLOEXEC, the same on every Unix.
    private const int GetFlags = 1, CloseOnExecution = 1;

    /// <summary>Opens both and puts them in the place of <see cref="Console.Out"/> and <see cref="Console.Error"/>.</summary>
    public static Terminal Open()
    {
        if (OperatingSystem.IsWindows()) Console.OutputEncoding = Encoding.UTF8;
        Console.SetOut(Writer(OutputNumber, Console.OpenStandardOutput, reason => throw new UnwritableOutput(reason.Message.ReplaceLineEndings(" "), reason)));
        Console.SetError(Writer(ErrorNumber, Console.OpenStandardError, _ => { }));
        return new Terminal(Console.Out, Console.Error);
    }

    private static StreamWriter Writer(int number, Func<Stream> open, Action<Exception> failed) =>
        new(new GuardedStream(IsOurs(number) ? null : open(), failed), new UTF8Encoding(false)) { AutoFlush = true };

    /// <summary>
    /// Whether the number of a standard stream belongs to a file of this program: that of a stream which was closed at the start goes to the next file
    /// opened, such as the runtime's pipe for signals, and what is written there must not get into it. Such files are closed on execution; a
    /// stream that was handed over cannot be, or it would not have come through.
    /// </summary>
    private static bool IsOurs(int number) => !OperatingSystem.IsWindows() && FileControl(number, GetFlags) is var flags && (flags < 0 || (flags & CloseOnExecution) != 0);

    [DllImport("libc", EntryPoint = "fcntl")]
    private static extern int FileControl(int file, int command);

    /// <summary>A stream to write to that says what fails.</summary>
    /// <param name="inner">The stream; null for a closed one.</param>
    /// <param name="failed">Is told.</param>
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
