using System.Runtime.InteropServices;
using Convolve.Engine.Tests;
using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.WeightFiles;

public sealed class WeightFileTests : IDisposable
{
    private static readonly float[] values = [0, -0f, 1.5f, float.NaN, float.Epsilon, -7, 8, 1e30f, 9, 10, 11, 12];

    private readonly string folder = Directory.CreateTempSubdirectory("convolve-weights-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private string Write(byte[] bytes)
    {
        var path = Path.Combine(folder, "file.bin");
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private WeightFile Read(byte[] bytes) => WeightFile.Read(Write(bytes));

    private string Refused(byte[] bytes)
    {
        var path = Write(bytes);
        var error = Assert.Throws<WeightFileException>(() => WeightFile.Read(path));
        Assert.StartsWith(path, error.Message);
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }

    private static void AssertBits(float[] expected, StoredTensor actual) =>
        Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), actual.Values.Select(BitConverter.SingleToUInt32Bits));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PyTorchTensorsAreReadWithTheirStridesAndOffsets(bool legacy)
    {
        var storages = new Dictionary<string, float[]> { ["0"] = values, ["1"] = [3, 4] };
        View[] views =
        [
            View.Of("layer.weight", "0", 3, 4), new("layer.turned", "0", 0, [4, 3], [1, 4]), new("layer.row", "0", 4, [4], [1]),
            View.Of("layer.bias", "1", 2), new("layer.number", "1", 1, [], []), View.Of("layer.empty", "1", 0, 5),
        ];
        var file = Read(legacy ? MadeWeights.TorchLegacy(storages, views) : MadeWeights.Torch(storages, views));
        Assert.Equal(legacy ? WeightFormat.TorchLegacy : WeightFormat.Torch, file.Format);
        Assert.Equal(["layer.weight", "layer.turned", "layer.row", "layer.bias", "layer.number", "layer.empty"], file.Tensors.Keys);
        AssertBits(values, file.Tensors["layer.weight"]);
        Assert.Equal([3, 4], file.Tensors["layer.weight"].Shape);
        AssertBits([.. Enumerable.Range(0, 12).Select(i => values[i % 3 * 4 + i / 3])], file.Tensors["layer.turned"]);
        AssertBits(values[4..8], file.Tensors["layer.row"]);
        AssertBits([3, 4], file.Tensors["layer.bias"]);
        AssertBits([4], file.Tensors["layer.number"]);
        Assert.Empty(file.Tensors["layer.number"].Shape);
        Assert.Equal([0, 5], file.Tensors["layer.empty"].Shape);
    }

    [Theory]
    [InlineData("os", "system")]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("torch.nn.modules.linear", "Linear")]
    [InlineData("torch", "load")]
    public void APickleThatAsksForMoreThanTensorsIsRefusedByName(string module, string name)
    {
        // os.system('id'): the name, a tuple with the text, and the call.
        byte[] call = [.. MadeWeights.Global(module, name), .. MadeWeights.Text("id"), 0x85, (byte)'R', (byte)'.'];
        Assert.Contains($"{module}.{name}", Refused(MadeWeights.TorchOf([0x80, 2, .. call])));
        byte[] byStack = [.. MadeWeights.Text(module), .. MadeWeights.Text(name), 0x93, (byte)'.'];
        Assert.Contains($"{module}.{name}", Refused(MadeWeights.TorchOf([0x80, 4, .. byStack])));
        // As the first pickle of an old file.
        Assert.Contains($"{module}.{name}", Refused([0x80, 2, .. call]));
    }

    [Theory]
    [InlineData((byte)'i')]     // INST
    [InlineData((byte)'o')]     // OBJ
    [InlineData((byte)0x81)]    // NEWOBJ
    [InlineData((byte)0x92)]    // NEWOBJ_EX
    [InlineData((byte)0x82)]    // EXT1
    [InlineData((byte)'P')]     // PERSID
    [InlineData((byte)0xFF)]
    public void InstructionsThatNoFileOfTensorsNeedsAreRefused(byte instruction) =>
        Assert.Contains($"0x{instruction:X2} at byte 2", Refused(MadeWeights.TorchOf(0x80, 2, instruction, (byte)'.')));

    [Fact]
    public void MalformedPicklesAreRefused()
    {
        byte[] Pickle(params byte[] body) => MadeWeights.TorchOf([0x80, 2, .. body]);
        foreach (var (body, mentions) in new (byte[], string)[]
        {
            ([], "cut off"),
            ([(byte)'X', 0xFF, 0xFF, 0xFF, 0x7F], "cut off"),
            ([(byte)'X', 0xFF, 0xFF, 0xFF, 0xFF], "cut off"),
            ([(byte)'.'], "malformed"),
            ([(byte)'t', (byte)'.'], "malformed"),
            ([(byte)'h', 3, (byte)'.'], "nothing remembered as 3"),
            ([(byte)'K', 1, (byte)'R', (byte)'.'], "malformed"),
            ([(byte)'K', 1, (byte)'Q', (byte)'.'], "malformed"),
            ([(byte)'K', 1, (byte)'K', 1, (byte)'a', (byte)'.'], "APPEND"),
            // A list that contains itself.
            ([(byte)']', (byte)'q', 0, (byte)'h', 0, (byte)'a', (byte)'.'], "without end"),
            // Each list contains the previous one ten times, thirty levels deep.
            ([(byte)']', (byte)'q', 0, .. Enumerable.Range(1, 30).SelectMany(i => (byte[])
                [(byte)']', (byte)'(', .. Enumerable.Repeat<byte[]>([(byte)'h', (byte)(i - 1)], 10).SelectMany(b => b), (byte)'e',
                (byte)'q', (byte)i]), (byte)'.'], "without end"),
            ([.. MadeWeights.Tensor("0", -4, 0, [4], [1]), (byte)'.'], "negative length"),
            ([.. MadeWeights.Tensor("0", 4, 0, [-4], [1]), (byte)'.'], "negative size"),
            ([.. MadeWeights.Tensor("0", 4, 0, [1L << 40, 1L << 40], [0, 0]), (byte)'.'], "too large"),
            ([.. MadeWeights.Tensor("0", 4, 0, [1L << 30], [0]), (byte)'.'], "far larger"),
            ([.. MadeWeights.Tensor("missing", 4, 0, [4], [1]), (byte)'.'], "missing"),
        })
            Assert.Contains(mentions, Refused(Pickle(body)));
        var storages = new Dictionary<string, float[]> { ["0"] = [1, 2, 3, 4] };
        Assert.Contains("of a storage of 4", Refused(MadeWeights.Torch(storages, new View("w", "0", 1, [4], [1]))));
        Assert.Contains("of a storage of 4", Refused(MadeWeights.Torch(storages, new View("w", "0", -1, [2], [1]))));
        Assert.Contains("of a storage of 4", Refused(MadeWeights.Torch(storages, new View("w", "0", 0, [2, 2], [3, 1]))));
        Assert.Contains("negative stride", Refused(MadeWeights.Torch(storages, new View("w", "0", 3, [4], [-1]))));
        Assert.Contains("strides", Refused(MadeWeights.Torch(storages, new View("w", "0", 0, [4], [1, 1]))));
        Assert.Contains("twice", Refused(MadeWeights.Torch(storages, View.Of("w", "0", 4), View.Of("w", "0", 4))));
    }

    [Theory]
    [InlineData("<f8", "8")]
    [InlineData("<f4", "4")]
    [InlineData(">f4", "4")]
    [InlineData("<f2", "2")]
    [InlineData("<i8", "8")]
    [InlineData("|i1", "1")]
    [InlineData("|u1", "1")]
    public void NumpyArraysOfAnyKindBecomeFloats(string description, string width)
    {
        float[] numbers = [0, 1, 2, 3, 100, 6];
        byte[] data = [.. numbers.SelectMany(n => description[1..] switch
        {
            "f8" => BitConverter.GetBytes((double)n),
            "f4" when description[0] == '>' => BitConverter.GetBytes(n).Reverse().ToArray(),
            "f4" => BitConverter.GetBytes(n),
            "f2" => BitConverter.GetBytes((Half)n),
            "i8" => BitConverter.GetBytes((long)n),
            _ => [(byte)n],
        })];
        Assert.Equal(int.Parse(width) * 6, data.Length);
        var tensor = Read(MadeWeights.Npy(description, "(2, 3)", data)).Tensors["file"];
        Assert.Equal([2, 3], tensor.Shape);
        AssertBits(numbers, tensor);
        // Column-major.
        AssertBits([0, 2, 100, 1, 3, 6], Read(MadeWeights.Npy(description, "(2, 3)", data, fortran: true)).Tensors["file"]);
        AssertBits(numbers, Read(MadeWeights.Npy(description, "(6,)", data)).Tensors["file"]);
        Assert.Contains("needs", Refused(MadeWeights.Npy(description, "(2, 4)", data)));
        Assert.Contains("needs", Refused(MadeWeights.Npy(description, "()", data)));
        Assert.Contains("negative size -2", Refused(MadeWeights.Npy(description, "(-2, -3)", data)));
        Assert.Contains("too large", Refused(MadeWeights.Npy(description, "(9999999999, 99999999)", data)));
    }

    [Fact]
    public void NumpyFilesThatAreNoNumbersAreRefused()
    {
        Assert.Contains("Python objects", Refused(MadeWeights.Npy("|O", "(1,)", [0x80, 4, (byte)'.'])));
        Assert.Contains("c16", Refused(MadeWeights.Npy("<c16", "(1,)", new byte[16])));
        Assert.Contains("cut off", Refused(MadeWeights.Npy("<f4", "(1,)", new byte[4])[..20]));
        Assert.Contains("no array of numbers", Refused([0x93, .. "NUMPY"u8, 1, 0, 4, 0, .. "{'a}"u8]));
        Assert.Contains("no .npy array", Refused(MadeWeights.Zip([("readme.txt", [1, 2])])));
        var archive = Read(MadeWeights
            .Zip([("a/kernel.npy", MadeWeights.Npy("<f4", "(3,)", MadeWeights.Bytes([1, 2, 3]))),
            ("note.npy", MadeWeights.Npy("<U1", "(1,)", new byte[4]))]));
        Assert.Equal(WeightFormat.Npz, archive.Format);
        Assert.Equal(["a/kernel"], archive.Tensors.Keys);
    }

    [Fact]
    public void ArchivesThatUnpackToFarMoreThanTheyTakeUpAreRefused()
    {
        var zeros = MadeWeights.Npy("<f4", "(67108864,)", new byte[256 << 20]);
        var bomb = MadeWeights.Zip([("zeros.npy", zeros)]);
        Assert.InRange(bomb.Length, 1, 1 << 20);
        Assert.Contains("unpacks to 256 MiB", Refused(bomb));
        // The same zeros are read if the file really contains them.
        Assert.Equal(1000, Read(MadeWeights
            .Zip([("zeros.npy", MadeWeights.Npy("<f4", "(1000,)", new byte[4000]))])).Tensors["zeros"].Values.Length);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void KerasFilesAreReadInTheOrderOfTheirNames(bool inModel)
    {
        var kernel = new float[3, 3, 2, 4];
        var flat = RandomCases.Values(3, 1, kernel.Length);
        flat.CopyTo(MemoryMarshal.CreateSpan(ref kernel[0, 0, 0, 0], kernel.Length));
        float[] bias = [1, 2, 3, 4];
        var file = Read(MadeWeights.Keras(inModel,
            ("input_1", []),
            // Meaningless names, the second of which sorts first.
            ("z_conv", [("uniform1", kernel), ("a_bias", bias)]),
            ("a_dense", [("a_dense/kernel:0", new double[,] { { 1, 2 }, { 3, 4 }, { 5, 6 } }), ("a_dense/bias:0", new int[] { 7, 8 })])));
        Assert.Equal(WeightFormat.Hdf5, file.Format);
        Assert.Equal(["z_conv/uniform1", "z_conv/a_bias", "a_dense/a_dense/kernel:0", "a_dense/a_dense/bias:0"], file.Tensors.Keys);
        Assert.Equal([3, 3, 2, 4], file.Tensors["z_conv/uniform1"].Shape);
        AssertBits(flat, file.Tensors["z_conv/uniform1"]);
        AssertBits(bias, file.Tensors["z_conv/a_bias"]);
        AssertBits([1, 2, 3, 4, 5, 6], file.Tensors["a_dense/a_dense/kernel:0"]);
        Assert.Equal(ElementType.Float64, file.Tensors["a_dense/a_dense/kernel:0"].Type);
        Assert.Equal(ElementType.Int32, file.Tensors["a_dense/a_dense/bias:0"].Type);
        // Keras' layout is Convolve's.
        Assert.Same(file.Tensors, ConvolveLayout.Of(file));
    }

    [Theory]
    [InlineData(new byte[0], "is empty")]
    [InlineData(new byte[] { 1 }, "is no weight file")]
    [InlineData(new byte[] { 0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0 }, "is no weight file")]
    [InlineData(new byte[] { 0x50, 0x4B, 3, 4, 0, 0 }, "npz")]
    [InlineData(new byte[] { 0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A }, "cut off")]
    [InlineData(new byte[] { 0x80, 2, 0x4B, 1, 0x2E }, "not one of torch.save")]
    public void FilesThatAreSomethingElseAreRefused(byte[] bytes, string mentions) => Assert.Contains(mentions, Refused(bytes));

    [Fact]
    public void AMissingFileAndAFolderAreRefused()
    {
        Assert.Contains("no such file", Assert.Throws<WeightFileException>(() => WeightFile.Read(Path.Combine(folder, "none.h5"))).Message);
        Assert.Contains("cannot be read", Assert.Throws<WeightFileException>(() => WeightFile.Read(folder)).Message);
    }

    [Theory]
    [InlineData("torch")]
    [InlineData("legacy")]
    [InlineData("npz")]
    [InlineData("keras")]
    [InlineData("safetensors")]
    public void DamagedFilesAreReadOrRefusedInOneLine(string kind)
    {
        var storages = new Dictionary<string, float[]> { ["0"] = values };
        var intact = kind switch
        {
            "torch" => MadeWeights.Torch(storages, View.Of("a.weight", "0", 3, 4), View.Of("a.bias", "0", 4)),
            "legacy" => MadeWeights.TorchLegacy(storages, View.Of("a.weight", "0", 3, 4), View.Of("a.bias", "0", 4)),
            "npz" => MadeWeights.Zip([("a/kernel.npy", MadeWeights.Npy("<f4", "(3, 4)", MadeWeights.Bytes(values)))]),
            "keras" => MadeWeights.Keras(false, ("a", [("kernel:0", new float[3, 4]), ("bias:0", new float[4])])),
            _ => SafeTensor(),
        };
        Assert.NotEmpty(Read(intact).Tensors);
        RandomCases.ForAll(RandomCases.Seed, 150, seed =>
        {
            var random = new Random(seed);
            var damaged = random.Next(3) == 0 ? intact[..random.Next(intact.Length)] : [.. intact];
            for (var flips = random.Next(1, 6); flips > 0 && damaged.Length > 0; flips--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            var path = Write(damaged);
            try
            {
                WeightFile.Read(path);
            }
            catch (WeightFileException e)
            {
                Assert.StartsWith(path, e.Message);
                Assert.DoesNotContain('\n', e.Message);
            }
        });
    }

    [Theory]
    [InlineData("torch")]
    [InlineData("legacy")]
    [InlineData("keras")]
    [InlineData("npz")]
    public void TruncatedFilesAreRefused(string kind)
    {
        var storages = new Dictionary<string, float[]> { ["0"] = values };
        var intact = kind switch
        {
            "torch" => MadeWeights.Torch(storages, View.Of("a.weight", "0", 3, 4)),
            "legacy" => MadeWeights.TorchLegacy(storages, View.Of("a.weight", "0", 3, 4)),
            "keras" => MadeWeights.Keras(false, ("a", [("kernel:0", new float[300, 4])])),
            _ => MadeWeights.Zip([("a/kernel.npy", MadeWeights.Npy("<f4", "(3, 4)", MadeWeights.Bytes(values)))]),
        };
        foreach (var length in new[] { 9, 20, intact.Length / 2, intact.Length - 1 }) Refused(intact[..length]);
    }

    [Fact]
    public void WhatIsWrittenIsReadAgain()
    {
        var tensors = new OrderedDictionary<string, StoredTensor>
        {
            ["b/kernel"] = new([3, 4], values),
            ["a/bias"] =
            new([2], [5, 6]),
            ["n"] = new([], [7])
        };
        foreach (var kind in new[] { "npz", "safetensors" })
        {
            var path = Path.Combine(folder, "written." + kind);
            if (kind == "npz") WeightFile.WriteNpz(path, tensors);
            else WeightFile.WriteSafeTensors(path, tensors, TensorLayout.Unsaid);
            var read = WeightFile.Read(path);
            Assert.Equal(tensors.Keys.Order(), read.Tensors.Keys.Order());
            foreach (var (name, tensor) in tensors)
            {
                Assert.Equal(tensor.Shape, read.Tensors[name].Shape);
                AssertBits(tensor.Values, read.Tensors[name]);
            }
        }
        Assert.Equal(["written.npz", "written.safetensors"], Directory.EnumerateFiles(folder).Select(Path.GetFileName).Order());
    }

    [SkippableFact]
    public void FilesOfPyTorchItselfAreRead()
    {
        foreach (var path in Directory.EnumerateFiles(SharedWeights.Path("pytorch"), "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) is not ("broken.pt" or "LICENSE")))
            Assert.All(WeightFile.Read(path).Tensors, tensor =>
                Assert.Equal(tensor.Value.Shape.Aggregate(1, (a, b) => a * b), tensor.Value.Values.Length));
        float[] Lone(string name) => WeightFile.Read(SharedWeights.Path($"pytorch/{name}.pt")).Tensors["tensor"].Values;
        Assert.Equal([1.5f, -2.25f, 3.125f], Lone("float16"));
        Assert.Equal([1.1f, 2.2f, 3.3f], Lone("float64"));
        Assert.Equal(100 * 100, Lone("large_shape").Length);
        Assert.Throws<WeightFileException>(() => WeightFile.Read(SharedWeights.Path("pytorch/broken.pt")));
    }

    private static byte[] SafeTensor()
    {
        var path = Path.GetTempFileName();
        try
        {
            WeightFile.WriteSafeTensors(path, new() { ["a.weight"] = new([3, 4], values) }, TensorLayout.Unsaid);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>
    /// Weight folders often contain links, whose length is not that of the file. The file is larger than a small file's budget.
    /// </summary>
    [Fact]
    public void AFileIsReadThroughALink()
    {
        string path = Path.Combine(folder, "large.h5"), link = Path.Combine(folder, "link.h5");
        var values = new float[18 << 20];
        values[^1] = 7;
        File.WriteAllBytes(path, MadeWeights.Keras(inModel: false, ("dense", [("kernel", values)])));
        File.CreateSymbolicLink(link, path);
        Assert.Equal(values, Assert.Single(WeightFile.Read(link).Tensors).Value.Values);
    }

    /// <summary>Only the archive's checksum can detect a flipped byte outside a pickle's or an array's structure.</summary>
    [Fact]
    public void ADamagedArchiveIsNotIntact()
    {
        var path = Path.Combine(folder, "damaged.npz");
        WeightFile.WriteNpz(path, [new("a", new StoredTensor([4], [1, 2, 3, 4]))]);
        WeightFile.Read(path);
        var bytes = File.ReadAllBytes(path);
        var at = bytes.AsSpan().IndexOf(BitConverter.GetBytes(3f));
        Assert.True(at > 0);
        bytes[at] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Contains("another checksum", Assert.Throws<WeightFileException>(() => WeightFile.Read(path)).Message);
    }

    [Fact]
    public void ADenseLayerWithoutInputsHasNoPixels()
    {
        var path = Path.Combine(folder, "empty.safetensors");
        var file = new SafeTensors();
        file.Add("conv.weight", [4, 3, 3, 3], new float[108]);
        file.Add("fc.weight", [10, 0], []);
        file.Write(path);
        Assert.Equal([0, 10], ConvolveLayout.Of(WeightFile.Read(path))["fc.weight"].Shape);
    }
}
