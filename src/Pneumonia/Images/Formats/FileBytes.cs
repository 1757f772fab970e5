namespace Convolve.Pneumonia.Images.Formats;

/// <summary>
/// A file in memory as the stream that the image library reads byte by byte, with less to do for each than a memory stream has.
/// </summary>
internal sealed class FileBytes(byte[] bytes) : Stream
{
    private int at;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => bytes.Length;

    public override long Position { get => at; set => at = (int)Math.Clamp(value, 0, bytes.Length); }

    public override int ReadByte() => at < bytes.Length ? bytes[at++] : -1;

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var count = Math.Min(buffer.Length, bytes.Length - at);
        bytes.AsSpan(at, count).CopyTo(buffer);
        at += count;
        return count;
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
    {
        SeekOrigin.Current => at,
        SeekOrigin.End => bytes.Length,
        _ => 0,
    };

    public override void Flush() { }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
