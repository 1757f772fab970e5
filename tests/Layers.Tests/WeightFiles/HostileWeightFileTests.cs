using System.Text;
using Convolve.Layers.WeightFiles;
using static Convolve.Layers.Tests.WeightFiles.HostileFile;
using static Convolve.Layers.Tests.WeightFiles.MadeWeights;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>Small files of every format except HDF5 that would expand to a lot of memory, and files with inconsistent sizes.</summary>
public sealed class HostileWeightFileTests
{
    private const int MiB = 1 << 20;

    private static byte[] Many(byte instruction, int count) => [.. Enumerable.Repeat(instruction, count)];

    private static byte[] Pickle(params byte[] body) => TorchOf([0x80, 2, .. body, (byte)'.']);

    [Fact]
    public void ArchivesThatUnpackToFarMoreAreRefused()
    {
        Assert.Contains("unpacks to 70 MiB", Refused(Zip([("a.npy", Npy("|u1", $"({70 * MiB},)", new byte[70 * MiB]))])));
        // A quarter of the budget when unpacked, which uses all of it as float32.
        Assert.Contains("far larger", Refused(Zip([("a.npy", Npy("|u1", $"({20 * MiB},)", new byte[20 * MiB]))])));
        Assert.Contains("far larger", Refused(Zip([("a.weight.npy", Npy("|u1", $"({5 * MiB},1)", new byte[5 * MiB]))])));
        Assert.Contains("far larger", Refused(Zip([("a.npy", Npy("<f4", $"({5 * MiB},1)", new byte[20 * MiB], fortran: true))])));
        Assert.Contains("far larger",
            Refused(Zip(Enumerable.Range(0, 100).Select(i => ($"{i}.npy", Npy("|u1", "(150000,)", new byte[150_000]))))));
        Assert.Contains("far larger",
            Refused(Torch(new Dictionary<string, float[]> { ["0"] = new float[5 * MiB] }, View.Of("a", "0", 5 * MiB))));
    }

    [Fact]
    public void ManyEntriesAreCountedBeforeTheyAreListed()
    {
        var archive = Zip(Enumerable.Range(0, 70_000).Select(i => ($"{i}", Array.Empty<byte>())));
        Assert.Contains("the list of entries", Refused(archive));
        // An end record that declares a single entry changes nothing.
        var end = archive.AsSpan().LastIndexOf("PK\u0005\u0006"u8);
        archive[end + 8] = archive[end + 10] = 1;
        archive[end + 9] = archive[end + 11] = 0;
        Assert.Contains("the list of entries", Refused(archive));
    }

    [Fact]
    public void PicklesMakeNoMoreThanTheyHold()
    {
        foreach (var (instruction,
            count) in new[] { ((byte)'}', 1_000_000), ((byte)']', 1_000_000), ((byte)')', 1_000_000), ((byte)'(', 4_000_000),
            ((byte)'N', 4_000_000) })
            Assert.Contains("far larger", Refused(Pickle([(byte)'(', .. Many(instruction, count), (byte)'t'])));
        Assert.Contains("far larger", Refused(Pickle([(byte)']', .. Many(0x94, 1_000_000)])));
        Assert.Contains("far larger", Refused(Pickle([(byte)']', .. Many((byte)'2', 4_000_000)])));
        Assert.Contains("far larger", Refused(Pickle([(byte)')', .. Many(0x85, 1_000_000)])));
        Assert.Contains("without end", Refused(Pickle([(byte)')', .. Many(0x85, 10_000)])));
        // A list of pairs that is made a dictionary again and again.
        byte[] pair = [(byte)'K', 1, (byte)'K', 2, 0x86], call = [(byte)'h', 1, (byte)'h', 0, (byte)'R'];
        Assert.Contains("far larger", Refused(Pickle(
            [(byte)'(', .. Enumerable.Repeat(pair, 20_000).SelectMany(b => b), (byte)'l', 0x85, (byte)'q', 0,
            .. Global("collections", "OrderedDict"), (byte)'q', 1,
                .. Enumerable.Repeat(call, 20_000).SelectMany(b => b)])));
        // Many tensors share one tuple of sizes.
        byte[] storage = [(byte)'(', .. Text("storage"), .. Global("torch", "FloatStorage"), .. Text("0"), .. Text("cpu"), .. Whole(0),
            (byte)'t', (byte)'Q', (byte)'q', 1];
        byte[] tensor = [(byte)'h', 2, (byte)'(', (byte)'h', 1, (byte)'K', 0, (byte)'h', 0, (byte)'h', 0, (byte)'t', (byte)'R'];
        Assert.Contains("far larger", Refused(Pickle(
            [(byte)'(', .. Enumerable.Repeat(new byte[] { (byte)'K', 1 }, 20_000).SelectMany(b => b), (byte)'t', (byte)'q', 0, .. storage,
                .. Global("torch._utils", "_rebuild_tensor"), (byte)'q', 2, .. Enumerable.Repeat(tensor, 1000).SelectMany(b => b)])));
        // A path of a million letters, with a million values below it.
        Assert.Contains("holds no tensor", Refused(Pickle(
            [(byte)'}', .. Text(new string('k', MiB)), (byte)']', (byte)'q', 0, (byte)'0',
            .. Enumerable.Range(1, 5).SelectMany(i => (byte[])
                [(byte)']', (byte)'(', .. Enumerable.Repeat<byte[]>([(byte)'h', (byte)(i - 1)], 15).SelectMany(b => b), (byte)'e',
                (byte)'q', (byte)i, (byte)'0']), (byte)'h', 5, (byte)'s'])));
        // And with many tensors below it, whose names include it.
        Assert.Contains("names",
            Refused(Pickle([(byte)'}', .. Text(new string('k', 100_000)), (byte)'(',
            .. Enumerable.Repeat(Tensor("0", 0, 0, [0], [1]), 100).SelectMany(b => b), (byte)'t', (byte)'s'])));
        Assert.Contains("asks for aaa", Refused(Pickle(Global(new string('a', MiB), "b"))));
    }

    [Fact]
    public void ViewsMakeNoMoreThanTheirStorages()
    {
        var one = new Dictionary<string, float[]> { ["0"] = [7] };
        Assert.Contains("far larger", Refused(Torch(one, new View("a", "0", 0, [1_000_000_000], [0]))));
        Assert.Contains("far larger", Refused(Torch(one, new View("a", "0", 0, [1, 1 << 28], [0, 0]))));
        Assert.Contains("far larger", Refused(TorchLegacy(one, new View("a", "0", 0, [1 << 28], [0]))));
        Assert.Contains("too large", Refused(Torch(one, new View("a", "0", 0, [int.MaxValue, int.MaxValue, 0, 0], [0, 0, 0, 0]))));
        Assert.Contains("too large", Refused(Torch(one, new View("a", "0", 0, [0, long.MaxValue], [1, 1]))));
        Assert.Contains("dimensions", Refused(Torch(one, new View("a", "0", 0, [.. Enumerable.Repeat(1L, 65)], new long[65]))));
        var repeated = Read(Torch(one, new View("a", "0", 0, [1000, 3], [0, 0])));
        Assert.Equal(Enumerable.Repeat(7f, 3000), repeated.Tensors["a"].Values);
        // Thousands of views span a whole storage but take only two numbers each.
        var large = new Dictionary<string, float[]> { ["0"] = [3, .. new float[MiB], 4] };
        var spread = Read(Torch(large, [.. Enumerable.Range(0, 4000).Select(i => new View($"t{i}", "0", 0, [2], [MiB + 1]))]));
        Assert.Equal([3, 4], spread.Tensors["t3999"].Values);
    }

    private static byte[] SafeTensorsOf(string header, int data = 0) =>
        [.. BitConverter.GetBytes((long)Encoding.UTF8.GetByteCount(header)), .. Encoding.UTF8.GetBytes(header), .. new byte[data]];

    private static string Empty(string name, string shape = "0") =>
        $"\"{name}\":" + """{"dtype":"F32","shape":[""" + shape + """],"data_offsets":[0,0]}""";

    private static byte[] Described(params IEnumerable<string> tensors) => SafeTensorsOf("{" + string.Join(',', tensors) + "}");

    [Fact]
    public void HeadersOfSafeTensorsAreBounded()
    {
        Assert.Contains("too large", Refused(Described(Empty("w.weight", "2147483647,2147483647,0,0"))));
        Assert.Contains("too large", Refused(Described(Empty("w.weight", "0,2147483648"))));
        Assert.Contains("too large", Refused(Described(Empty("w.weight", "0,9223372036854775807"))));
        Assert.Contains("negative size", Refused(Described(Empty("w", "0,-1"))));
        Assert.Contains("no whole number", Refused(Described(Empty("w", "1e30"))));
        Assert.Contains("64 dimensions", Refused(Described(Empty("w", string.Join(',', Enumerable.Repeat("1", 2_000_000))))));
        Assert.Contains("holds a twice", Refused(Described(Empty("a"), Empty("a"))));
        Assert.Contains("shape twice", Refused(SafeTensorsOf("""{"a":{"dtype":"F32","shape":[0],"shape":[1],"data_offsets":[0,0]}}""")));
        Assert.Contains("safetensors", Refused(SafeTensorsOf("{" + Empty("a") + "}  {}")));
        Assert.Contains("safetensors", Refused(SafeTensorsOf("""{"a":""" + new string('[', 2_000_000))));
        Assert.Contains("safetensors", Refused(SafeTensorsOf("""{"a":{"x":""" + new string('[', 2_000_000))));
        Assert.Contains("far larger", Refused(Described(Enumerable.Range(0, 100_000).Select(i => Empty($"t{i}")))));
        Assert.Contains("far larger",
            Refused(SafeTensorsOf("""{"__metadata__":{""" + string.Join(',', Enumerable.Range(0, 300_000).Select(i => $"\"k{i}\":\"\""))
            + "}}")));
        Assert.Contains("far larger", Refused(Described(Empty(new string('n', 4 * MiB)))));
        // Unknown fields are ignored, at no cost.
        Assert.Equal([0], Read(SafeTensorsOf("""{"a":{"x":[""" + string.Join(',', Enumerable.Repeat("1", 1_000_000))
            + """],"dtype":"F32","shape":[0],"data_offsets":[0,0]}}""")).Tensors["a"].Shape);
    }

    [Fact]
    public void ArraysWithHeadersThatGoOnAreRefused()
    {
        byte[] Wide(byte[] header) => [0x93, .. "NUMPY"u8, 2, 0, .. BitConverter.GetBytes(header.Length), .. header];
        foreach (var pattern in new[] { "'shape':(", "'descr'  ", "'fortran_order'  ", " ", "'shape':(1,)," })
            Assert.Contains("header of", Refused(Wide(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(pattern, 500_000))))));
        // As long as allowed.
        Assert.Contains("no array of numbers", Refused(Wide(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("'shape':(", 1100))))));
        Assert.Contains("dimensions", Refused(Npy("<f4", "(" + string.Concat(Enumerable.Repeat("1,", 65)) + ")", new byte[4])));
        Assert.Contains("too large", Refused(Npy("<f4", "(2147483647,2147483647,0)", [])));
    }

    [Theory]
    [InlineData("conv.weight", 0, 0, 3, 3)]
    [InlineData("conv.weight", 0, int.MaxValue / 64, 1, 1)]
    [InlineData("conv.weight", int.MaxValue / 64, 0, 1, 1)]
    [InlineData("conv.weight", 1 << 15, 1 << 10, 0, 1)]
    [InlineData("fc.weight", int.MaxValue / 64, 0)]
    [InlineData("fc.weight", 0, int.MaxValue / 64)]
    public void TensorsWithoutNumbersAreTurnedWithoutGoingThroughTheirSizes(string name, params int[] shape)
    {
        var file = new WeightFile("file", WeightFormat.Npz, TensorLayout.Torch,
            new(StringComparer.Ordinal) { [name] = new StoredTensor(shape, []) });
        int[] turned = shape.Length == 4 ? [shape[2], shape[3], shape[1], shape[0]] : [shape[1], shape[0]];
        Assert.Equal(turned, ConvolveLayout.Of(file)[name].Shape);
        Assert.Null(KnownNetworks.Of(file with { Layout = TensorLayout.Convolve, Tensors = ConvolveLayout.Of(file) }));
    }

    /// <summary>
    /// Half precision doubles as float32, and doubles again when converted to another layout: a whole file of it is within the budget.
    /// </summary>
    [Theory]
    [InlineData("<f2", 2)]
    [InlineData("<f4", 4)]
    [InlineData("<f8", 8)]
    public void LargeFilesOfEveryPrecisionAreRead(string description, int width)
    {
        var shape = new[] { 2000, 9000 };
        Assert.Equal(shape, Read(
            Zip([("fc.weight.npy", Npy(description, "(2000, 9000)", Noise(18_000_000 * width)))])).Tensors["fc.weight"].Shape);
    }

    // Incompressible bytes.
    private static byte[] Noise(int count)
    {
        var bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
