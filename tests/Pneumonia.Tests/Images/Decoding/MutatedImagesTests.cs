using System.Buffers.Binary;
using System.IO.Hashing;
using Convolve.Pneumonia.Images;

namespace Convolve.Pneumonia.Tests.Images;

/// <summary>Images with random bytes changed, cut, moved and repeated are either decoded or refused.</summary>
public sealed class MutatedImagesTests
{
    private const int MutationsOfImage = 40;

    // An image of a few kilobytes may become one with as many pixels as its bytes can encode, but no more.
    private const long MostBytes = 256L << 20;

    [Fact]
    public void AMutatedImageIsDecodedOrRefused()
    {
        var random = new Random(15);
        int decoded = 0, refused = 0;
        foreach (var name in SampleImages.Names)
        {
            var whole = SampleImages.Read(name);
            for (var i = 0; i < MutationsOfImage; i++)
            {
                var mutated = Mutate(whole, random);
                // Nearly all mutations of a PNG fail a checksum; half of them fix it.
                if (i % 2 == 0 && name.EndsWith(".png")) CorrectChecksums(mutated);
                var before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    var image = ImageDecoder.Decode(mutated, name);
                    Assert.Equal(image.Width * image.Height * image.Channels, image.Pixels.Length);
                    decoded++;
                }
                catch (UnreadableImage)
                {
                    refused++;
                }
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MostBytes);
            }
        }
        Assert.InRange(decoded, 100, int.MaxValue);
        Assert.InRange(refused, 100, int.MaxValue);
    }

    private static void CorrectChecksums(byte[] png)
    {
        for (var at = 8; at + 12 <= png.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(png.AsSpan(at));
            if (length > png.Length - at - 12) return;
            var end = at + 8 + (int)length;
            BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(end), Crc32.HashToUInt32(png.AsSpan(at + 4, end - at - 4)));
            at = end + 4;
        }
    }

    private static byte[] Mutate(byte[] whole, Random random)
    {
        List<byte> bytes = [.. whole];
        for (var change = random.Next(1, 6); change > 0 && bytes.Count > 8; change--)
        {
            int at = random.Next(random.Next(2) == 0 ? Math.Min(bytes.Count, 200) : bytes.Count),
                count = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2: bytes[at] = (byte)(random.Next(2) * 255); break;
                case 3: bytes.RemoveRange(at, count); break;
                case 4: bytes.InsertRange(at, bytes.GetRange(random.Next(bytes.Count - count), count)); break;
                case 5: bytes.InsertRange(at, new byte[count]); break;
                default: bytes.RemoveRange(bytes.Count - count, count); break;
            }
        }
        return [.. bytes];
    }
}
