using System.Buffers.Binary;
using System.Text;
using Convolve.Engine.Tests;
using Convolve.Layers.WeightFiles;
using FsCheck.Fluent;
using Xunit.Sdk;

namespace Convolve.Layers.Tests.WeightFiles;

public sealed class SafeTensorsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("convolve-safetensors-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void ValuesComeBackBitForBitAndTheFileIsTheSameWhenWrittenAgain()
    {
        var bits = RandomCases.AwkwardSize(129).SelectMany(length => RandomCases.Seed.Select(seed => (length, seed)));
        RandomCases.ForAll(bits, 30, c =>
        {
            // Random bits, including denormals, infinities and NaN with payloads.
            var random = new Random(c.seed);
            var values = new float[c.length * 2];
            for (var i = 0; i < values.Length; i++) values[i] = BitConverter.Int32BitsToSingle(unchecked((int)random.NextInt64()));
            var file = new SafeTensors { Metadata = { ["model"] = "{\"layers\": [\"ü\", \"\\n\"]}", ["a"] = "" } };
            file.Add("z/kernel", [c.length, 2], values);
            file.Add("a/ünïcode \"quoted\"", [], [1.5f]);
            file.Add("empty", [0, 3], []);
            file.Write(Named("first"));
            var read = SafeTensors.Read(Named("first"));
            read.Write(Named("second"));
            Assert.Equal(file.Metadata, read.Metadata);
            Assert.Equal(file.Tensors.Keys, read.Tensors.Keys);
            foreach (var (name, tensor) in file.Tensors)
            {
                Assert.Equal(tensor.Shape, read.Tensors[name].Shape);
                Assert.Equal(tensor.Values.Select(BitConverter.SingleToInt32Bits),
                    read.Tensors[name].Values.Select(BitConverter.SingleToInt32Bits));
            }
            Assert.Equal(File.ReadAllBytes(Named("first")), File.ReadAllBytes(Named("second")));
            Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(Named("first"))) % 8);
            Assert.Empty(Directory.GetFiles(folder, "*.tmp"));
        });
    }

    public static TheoryData<string, byte[], float[]> Types => new()
    {
        { "F64", Bytes(BitConverter.GetBytes, 1.5, -1e300, double.NaN), [1.5f, float.NegativeInfinity, float.NaN] },
        { "F32", Bytes(BitConverter.GetBytes, 1.5f, float.Epsilon, -0f), [1.5f, float.Epsilon, -0f] },
        { "F16", Bytes(BitConverter.GetBytes, (Half)1.5, Half.Epsilon, Half.NegativeInfinity),
            [1.5f, 5.9604645e-8f, float.NegativeInfinity] },
        { "BF16", Bytes(BitConverter.GetBytes, (ushort)0x3FC0, (ushort)0xC000, (ushort)0x7F80), [1.5f, -2, float.PositiveInfinity] },
        { "I64", Bytes(BitConverter.GetBytes, -3L, 1L << 40), [-3, 1099511627776f] },
        { "U64", Bytes(BitConverter.GetBytes, 3UL, ulong.MaxValue), [3, 18446744073709551616f] },
        { "I32", Bytes(BitConverter.GetBytes, -3, int.MaxValue), [-3, 2147483648f] },
        { "U32", Bytes(BitConverter.GetBytes, 3u, uint.MaxValue), [3, 4294967296f] },
        { "I16", Bytes(BitConverter.GetBytes, (short)-3, short.MaxValue), [-3, 32767] },
        { "U16", Bytes(BitConverter.GetBytes, (ushort)3, ushort.MaxValue), [3, 65535] },
        { "I8", [0xFD, 0x7F], [-3, 127] },
        { "U8", [3, 255], [3, 255] },
        { "BOOL", [0, 1], [0, 1] },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void EveryTypeBecomesFloat(string type, byte[] data, float[] expected)
    {
        WriteRaw($$$"""{"x":{"dtype":"{{{type}}}","shape":[{{{expected.Length}}}],"data_offsets":[0,{{{data.Length}}}]}}""", data);
        Assert.Equal(expected, SafeTensors.Read(Named("raw")).Tensors["x"].Values);
    }

    public static TheoryData<string, string, int> BrokenHeaders => new()
    {
        { "not JSON", "{", 0 },
        { "null", "null", 0 },
        { "an array", "[1,2]", 0 },
        { "tensor is a number", """{"x":1}""", 0 },
        { "tensor is null", """{"x":null}""", 0 },
        { "no dtype", """{"x":{"shape":[1],"data_offsets":[0,4]}}""", 4 },
        { "unknown dtype", """{"x":{"dtype":"F4","shape":[1],"data_offsets":[0,4]}}""", 4 },
        { "dtype is a number", """{"x":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4 },
        { "no shape", """{"x":{"dtype":"F32","data_offsets":[0,4]}}""", 4 },
        { "shape is a number", """{"x":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4 },
        { "negative sizes", """{"x":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""", 4 },
        { "fractional size", """{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4 },
        { "size null", """{"x":{"dtype":"F32","shape":[null],"data_offsets":[0,4]}}""", 4 },
        { "size beyond int", """{"x":{"dtype":"F32","shape":[4294967297],"data_offsets":[0,4]}}""", 4 },
        { "length that overflows", """{"x":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""", 4 },
        { "bytes that overflow to zero", """{"x":{"dtype":"F32","shape":[1073741824,1073741824,4],"data_offsets":[0,0]}}""", 0 },
        { "no offsets", """{"x":{"dtype":"F32","shape":[1]}}""", 4 },
        { "one offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0]}}""", 4 },
        { "offsets reversed", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4 },
        { "negative offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4 },
        { "offset is text", """{"x":{"dtype":"F32","shape":[1],"data_offsets":["0","4"]}}""", 4 },
        { "too few bytes for the shape", """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4 },
        { "beyond the end", """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4 },
        { "huge offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}""", 4 },
        { "data left over", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8 },
        { "a hole", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8 },
        { "an overlap", """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
            8 },
        { "a name twice", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""",
            8 },
        { "metadata is a number", """{"__metadata__":3}""", 0 },
        { "metadata value is a number", """{"__metadata__":{"a":3}}""", 0 },
    };

    [Theory]
    [MemberData(nameof(BrokenHeaders))]
    public void BrokenHeadersAreRefusedInOneLine(string what, string header, int dataBytes)
    {
        WriteRaw(header, new byte[dataBytes]);
        Refuses(what, Named("raw"));
    }

    [Fact]
    public void BrokenFilesAreRefusedInOneLine()
    {
        Refuses("missing", Named("nowhere"));
        Refuses("a folder", folder);
        var file = new SafeTensors();
        file.Add("x", [3], [1, 2, 3]);
        file.Write(Named("whole"));
        var whole = File.ReadAllBytes(Named("whole"));
        // Zero bytes, half a length, half a header, half the data: truncated files are refused.
        for (var length = 0; length < whole.Length; length++)
        {
            File.WriteAllBytes(Named("cut"), whole[..length]);
            Refuses($"cut to {length} of {whole.Length} bytes", Named("cut"));
        }
        RandomCases.ForAll(RandomCases.Seed, 100, seed =>
        {
            var garbage = new byte[seed % 300];
            new Random(seed).NextBytes(garbage);
            File.WriteAllBytes(Named("garbage"), garbage);
            Refuses($"garbage of seed {seed}", Named("garbage"));
        });
    }

    [Fact]
    public void DamagedHeadersNeverEscapeAsAnotherException() => RandomCases.ForAll(RandomCases.Seed, 300, seed =>
    {
        var file = new SafeTensors { Metadata = { ["k"] = "v" } };
        file.Add("x", [3], [1, 2, 3]);
        file.Add("y", [1, 2], [4, 5]);
        file.Write(Named("damaged"));
        var bytes = File.ReadAllBytes(Named("damaged"));
        var random = new Random(seed);
        for (var i = 0; i < 3; i++) bytes[random.Next(bytes.Length - 20)] = (byte)random.Next(256);
        File.WriteAllBytes(Named("damaged"), bytes);
        try
        {
            SafeTensors.Read(Named("damaged"));
        }
        catch (WeightFileException e)
        {
            Assert.DoesNotContain('\n', e.Message);
        }
    });

    [Fact]
    public void UnwritableFoldersAreNamed()
    {
        var path = Path.Combine(folder, "no", "such", "folder.safetensors");
        Assert.StartsWith($"{path}: cannot be written", Assert.Throws<WeightFileException>(() => new SafeTensors().Write(path)).Message);
    }

    [Fact]
    public void ShapesThatDoNotFitTheirValuesAreNotWritten()
    {
        var file = new SafeTensors();
        Assert.Throws<ArgumentException>(() =>
        {
            file.Add("x", [2, 2], [1, 2, 3]);
            file.Write(Named("wrong"));
        });
    }

    /// <summary>Files written by other tools, if the folder of shared data is present.</summary>
    [SkippableFact]
    public void ForeignFilesAreRead()
    {
        var root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "Convolve.sln"))) root = Path.GetDirectoryName(root);
        var foreign = root is null ? null : Path.Combine(root, "..", "shared", "data", "weights", "pytorch");
        Skip.IfNot(Directory.Exists(foreign), "there is no folder ../shared/data/weights/pytorch beside the repository");
        var files = Directory.GetFiles(foreign!, "*.safetensors");
        Assert.NotEmpty(files);
        foreach (var path in files)
        {
            var tensors = SafeTensors.Read(path).Tensors;
            Assert.NotEmpty(tensors);
            foreach (var (name, tensor) in tensors)
            {
                Assert.True(tensor.Shape.Aggregate(1, (a, b) => a * b) == tensor.Values.Length, $"{path}: {name}");
                Assert.All(tensor.Values, v => Assert.True(float.IsFinite(v)));
            }
        }
        // The same tools' other formats are not mistaken for this one.
        foreach (var path in Directory.GetFiles(foreign!, "*.pt")) Refuses(path, path);
    }

    private static void Refuses(string what, string path)
    {
        var error = Record.Exception(() => SafeTensors.Read(path));
        if (error is not WeightFileException)
            throw new XunitException($"{what}: {(error is null ? "was accepted" : $"threw {error.GetType().Name}: {error.Message}")}");
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
    }

    private string Named(string name) => Path.Combine(folder, $"{name}.safetensors");

    private void WriteRaw(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        File.WriteAllBytes(Named("raw"), [.. length, .. json, .. data]);
    }

    private static byte[] Bytes<T>(Func<T, byte[]> convert, params T[] values) => [.. values.SelectMany(convert)];
}
