using static Convolve.Layers.Tests.WeightFiles.HostileFile;
using static Convolve.Layers.Tests.WeightFiles.MadeHdf5;

namespace Convolve.Layers.Tests.WeightFiles;

/// <summary>
/// HDF5 files with links that leave the file, cycles, endless nesting, or claims of more data than they hold. A stack overflow would end
/// the test process.
/// </summary>
public sealed class HostileHdf5Tests
{
    private static byte[] FileOf(Func<MadeHdf5, ulong> root)
    {
        var made = new MadeHdf5();
        return made.File(root(made));
    }

    private static byte[] RootOf(Func<MadeHdf5, byte[][]> messages) => FileOf(made => made.Add(Group(messages(made))));

    private static ulong Numbers(MadeHdf5 made, params float[] values) =>
        made.Add(Header(Dataspace((ulong)values.Length), Float32,
        Contiguous(made.Add(MadeWeights.Bytes(values)), (ulong)values.Length * 4)));

    [Fact]
    public void WhatIsMadeHereIsReadWhereItIsWhole()
    {
        var file = Read(RootOf(made =>
            [Link("a", Numbers(made, 1, 2, 3)), Link("g", made.Add(Group(Link("b", Numbers(made, 4))))), SoftLink("s", "/g/b"),
            SoftLink("t", "./g/./b")]));
        Assert.Equal(["a", "g/b", "s", "t"], file.Tensors.Keys);
        Assert.Equal([1, 2, 3], file.Tensors["a"].Values);
        Assert.All(["g/b", "s", "t"], name => Assert.Equal([4], file.Tensors[name].Values));
    }

    [Fact]
    public void LinksThatLeadToThemselvesEnd()
    {
        Assert.Contains("without end", Refused(RootOf(_ => [SoftLink("a", "a")])));
        Assert.Contains("without end", Refused(RootOf(_ => [SoftLink("a", "/a/x")])));
        Assert.Contains("without end", Refused(RootOf(_ => [SoftLink("a", "/b"), SoftLink("b", "a")])));
        // Each link's path contains the next one a hundred times.
        var names = Enumerable.Range(0, 15).Select(i => $"s{i}").ToArray();
        Assert.Contains("far larger", Refused(RootOf(_ =>
            [.. names.Select((name, i) =>
            SoftLink(name, i == names.Length - 1 ? "." : string.Join('/', Enumerable.Repeat(names[i + 1], 100))))])));
        Assert.Contains("not in the file", Refused(RootOf(_ => [SoftLink("a", "../../etc/passwd")])));
        Assert.Contains("not in the file", Refused(RootOf(_ => [SoftLink("a", "/none")])));
    }

    [Fact]
    public void OtherFilesAreNotOpened()
    {
        Assert.Contains("link to another file", Refused(RootOf(_ => [ExternalLink("a", "other.h5", "/a")])));
        Assert.Contains("link to another file", Refused(RootOf(_ => [ExternalLink("a", "", "/a")])));
        Assert.Contains("link to another file", Refused(RootOf(_ => [SoftLink("s", "a"), ExternalLink("a", "/etc/passwd", "")])));
        Assert.Contains("stored in another file", Refused(RootOf(made =>
            [Link("x", made.Add(Header(Dataspace(4), Float32, Message(0x07, new byte[40]), Contiguous(Nowhere, 16))))])));
        Assert.Contains("virtual dataset", Refused(RootOf(made =>
            [Link("x", made.Add(Header(Dataspace(4), Float32, Message(0x08, [4, 3, .. Eight(0), .. Four(0)]))))])));
        // Also as one of Keras' weights.
        Assert.Contains("stored in another file", Refused(FileOf(made =>
        {
            var dataset = made.Add(Header(Dataspace(4), Float32, Message(0x07, new byte[40]), Contiguous(Nowhere, 16)));
            var layer = made.Add(Header(LinkInfo(Nowhere, Nowhere), Link("w", dataset),
                Attribute("weight_names", Text(1), Space(1), (byte)'w')));
            return made.Add(Header(LinkInfo(Nowhere, Nowhere), Link("l", layer), Attribute("layer_names", Text(1), Space(1), (byte)'l')));
        })));
    }

    [Fact]
    public void GroupsThatHoldOneAnotherAreRefused()
    {
        Assert.Contains("again", Refused(FileOf(made =>
        {
            var root = made.Reserve(200);
            made.Put(root, Group(Link("a", root)));
            return root;
        })));
        Assert.Contains("again", Refused(FileOf(made =>
        {
            var shared = made.Add(Group());
            for (var i = 0; i < 20; i++) shared = made.Add(Group(Link("a", shared), Link("b", shared)));
            return shared;
        })));
        // The root under another name, through a soft link.
        Assert.Contains("again", Refused(RootOf(_ => [SoftLink("a", "/")])));
        Assert.Contains("more than 32 deep", Refused(FileOf(made =>
        {
            var inner = made.Add(Group());
            for (var i = 0; i < 50_000; i++) inner = made.Add(Group(Link("a", inner)));
            return inner;
        })));
    }

    [Fact]
    public void HeadersThatGoOnWithoutEndAreRefused()
    {
        Assert.Contains("goes on without end", Refused(FileOf(made =>
        {
            var block = made.Reserve(64);
            made.Put(block, [.. "OCHK"u8, .. Continuation(block, 28), 0, 0, 0, 0]);
            return made.Add(Header(LinkInfo(Nowhere, Nowhere), Continuation(block, 28)));
        })));
        // Overlapping blocks: each of five thousand continuations starts one message later and extends to the last.
        Assert.Contains("far larger", Refused(FileOf(made =>
        {
            const int Count = 5000, Length = 24;
            var blocks = made.Reserve(Count * Length);
            for (var i = 0; i < Count; i++)
                made.Put(blocks + (ulong)(i * Length),
                    OldHeader((0x10, [.. Eight(blocks + (ulong)((i + 1) * Length)), .. Eight((ulong)((Count - i - 1) * Length))]))[16..]);
            return made.Add(OldHeader((0x10, [.. Eight(blocks), .. Eight(Count * Length)])));
        })));
        Assert.Contains("outside of the file", Refused(FileOf(made => made.Add([.. "OHDR"u8, 2, 3, .. Eight(1UL << 60)]))));
        Assert.Contains("outside of the file", Refused(FileOf(_ => 1UL << 62)));
        Assert.Contains("outside of the file", Refused(FileOf(_ => Nowhere)));
        Assert.Contains("cut off", Refused(FileOf(made => made.Add(Header([0x06, 0xFF, 0xFF, 0, 1, 2, 3])))));
    }

    private static byte[] OldGroup(ulong tree, ulong heap) => OldHeader((0x11, [.. Eight(tree), .. Eight(heap)]));

    private static ulong LocalHeap(MadeHdf5 made, byte[] names) =>
        made.Add([.. "HEAP"u8, 0, 0, 0, 0, .. Eight((ulong)names.Length), .. Eight(0), .. Eight(made.Add(names))]);

    private static byte[] SymbolTable(params (ulong Name, ulong Header, uint Kind, uint Target)[] entries) =>
        [.. "SNOD"u8, 1, 0, .. Two((ushort)entries.Length), .. entries.SelectMany(entry => (byte[])
            [.. Eight(entry.Name), .. Eight(entry.Header), .. Four(entry.Kind), .. Four(0), .. Four(entry.Target), .. new byte[12]])];

    [Fact]
    public void GroupsOfOldStyleAreReadAndTheirTreesEnd()
    {
        // "a" is a dataset, "s" a soft link to it, below a tree of two levels.
        byte[] Old(Func<MadeHdf5, ulong, ulong> tree) => FileOf(made =>
        {
            var heap = LocalHeap(made, "\0a\0s\0/a\0"u8.ToArray());
            return made.Add(OldGroup(tree(made, Numbers(made, 5)), heap));
        });
        ulong Leaf(MadeHdf5 made, ulong dataset) =>
            made.Add(Tree(0, 0, 8, (Eight(0), made.Add(SymbolTable((1, dataset, 0, 0), (3, Nowhere, 2, 5))))));
        var file = Read(Old((made, dataset) => made.Add(Tree(0, 1, 8, (Eight(0), Leaf(made, dataset))))));
        Assert.Equal([5], file.Tensors["a"].Values);
        Assert.Equal([5], file.Tensors["s"].Values);

        Assert.Contains("twice", Refused(Old((made, dataset) =>
        {
            var leaf = Leaf(made, dataset);
            return made.Add(Tree(0, 1, 8, (Eight(0), leaf), (Eight(0), leaf)));
        })));
        Assert.Contains("B-tree", Refused(Old((made, _) =>
        {
            var node = made.Reserve(64);
            made.Put(node, Tree(0, 5, 8, (Eight(0), node)));
            return node;
        })));
        Assert.Contains("level", Refused(Old((made, _) => made.Add(Tree(0, 7, 8, (Eight(0), made.Add(Tree(0, 7, 8))))))));
        Assert.Contains("two links",
            Refused(Old((made, dataset) =>
            made.Add(Tree(0, 0, 8, (Eight(0), made.Add(SymbolTable((1, dataset, 0, 0), (1, dataset, 0, 0)))))))));
        Assert.Contains("no text",
            Refused(Old((made, dataset) => made.Add(Tree(0, 0, 8, (Eight(0), made.Add(SymbolTable((1UL << 40, dataset, 0, 0)))))))));
        // Many names that each start one letter later in the same long text.
        Assert.Contains("far larger", Refused(FileOf(made =>
        {
            var heap = LocalHeap(made, [.. Enumerable.Repeat((byte)'n', 200_000), 0]);
            return made.Add(OldGroup(made
                .Add(Tree(0, 0, 8, (Eight(0),
                made.Add(SymbolTable([.. Enumerable.Range(0, 20_000).Select(i => ((ulong)i, 0UL, 0u, 0u))]))))), heap));
        })));
        // The link also has a table of kind 1 that names another tree. The object's own tree must take precedence.
        Assert.Equal([5], Read(FileOf(made =>
        {
            var heap = LocalHeap(made, "\0a\0g\0"u8.ToArray());
            var inner = made.Add(OldGroup(made.Add(Tree(0, 0, 8, (Eight(0), made.Add(SymbolTable((1, Numbers(made, 5), 0, 0)))))), heap));
            return made.Add(OldGroup(made.Add(Tree(0, 0, 8, (Eight(0), made.Add(SymbolTable((3, inner, 1, 0x7FFFFFFF)))))), heap));
        })).Tensors["g/a"].Values);
    }

    [Fact]
    public void LinksInHeapsEnd()
    {
        byte[] Dense(Func<MadeHdf5, ulong> heap, Func<MadeHdf5, ulong> tree) =>
            FileOf(made => made.Add(Header(LinkInfo(heap(made), tree(made)))));
        byte[] Record(uint offset, ushort length) => [.. Four(0), 0, .. Four(offset), .. Two(length)];
        byte[] link = [.. Link("a", 4)[4..]];
        ulong Heap(MadeHdf5 made) =>
            made.Add(FractalHeap(4, 512, 65536, 32,
            made.Add([.. "FHDB"u8, 0, .. Eight(0), .. Four(0), .. new byte[15], .. link, .. new byte[512]]), 0));
        ulong Leaf(MadeHdf5 made, params byte[][] records) =>
            made.Add([.. "BTLF"u8, 0, 5, .. records.SelectMany(record => record), .. new byte[512]]);
        Assert.Contains("object header",
            Refused(Dense(Heap, made => made.Add(Tree2(5, 512, 11, 0, Leaf(made, Record(32, (ushort)link.Length)), 1)))));
        Assert.Contains("two links", Refused(Dense(Heap, made =>
            made.Add(Tree2(5, 512, 11, 0, Leaf(made, Record(32, (ushort)link.Length), Record(32, (ushort)link.Length)), 2)))));
        Assert.Contains("crosses", Refused(Dense(Heap, made => made.Add(Tree2(5, 512, 11, 0, Leaf(made, Record(32, 60_000)), 1)))));
        Assert.Contains("crosses", Refused(Dense(Heap, made => made.Add(Tree2(5, 512, 11, 0, Leaf(made, Record(uint.MaxValue, 1)), 1)))));
        // A node that is its own child, a tree that is too deep, nodes longer than the file, a count that exceeds the node.
        Assert.Contains("twice", Refused(Dense(Heap, made =>
        {
            var node = made.Reserve(512);
            made.Put(node, [.. "BTIN"u8, 0, 5, .. Record(32, 1), .. Eight(node), 1, .. new byte[2], .. Eight(node), 1, .. new byte[2]]);
            return made.Add(Tree2(5, 512, 11, 2, node, 1));
        })));
        Assert.Contains("levels deep", Refused(Dense(Heap, made => made.Add(Tree2(5, 512, 11, 60_000, Leaf(made), 1)))));
        Assert.Contains("nodes of", Refused(Dense(Heap, made => made.Add(Tree2(5, int.MaxValue, 11, 0, Leaf(made), 1)))));
        Assert.Contains("no room", Refused(Dense(Heap, made => made.Add(Tree2(5, 512, 11, 0, Leaf(made), ushort.MaxValue)))));
        Assert.Contains("nodes of", Refused(Dense(Heap, made => made.Add(Tree2(5, 512, 0, 0, Leaf(made), 1)))));
        // Heaps with impossible blocks, and an indirect block that contains itself.
        foreach (var (width, first,
            largest) in new[] { ((ushort)0, 512UL, 65536UL), ((ushort)3, 512UL, 65536UL), ((ushort)4, 0UL, 65536UL),
            ((ushort)4, 1UL << 63, 1UL << 63), ((ushort)4, 512UL, 0UL) })
            Assert.Contains("blocks of", Refused(Dense(made => made.Add(FractalHeap(width, first, largest, 32, 96, 0)), made =>
                made.Add(Tree2(5, 512, 11, 0, Leaf(made, Record(32, 9)), 1)))));
        Assert.Contains("no rows", Refused(Dense(made =>
        {
            var block = made.Reserve(6000);
            made.Put(block, [.. "FHIB"u8, 0, .. Eight(0), .. Four(0), .. Enumerable.Repeat(block, 640).SelectMany(Eight)]);
            return made.Add(FractalHeap(64, 4096, 4096, 32, block, 10));
        }, made => made.Add(Tree2(5, 512, 11, 0, Leaf(made, Record(4096 * 64 * 2, 9)), 1)))));
    }

    [Fact]
    public void SizesThatNoFileHoldsAreRefusedBeforeAnythingIsMade()
    {
        string Of(params byte[][] messages) => Refused(RootOf(made => [Link("x", made.Add(Header(messages)))]));
        Assert.Contains("far larger", Of(Dataspace(1 << 28), Float32, Contiguous(96, 1 << 30)));
        Assert.Contains("outside of the file", Of(Dataspace(1 << 21), Float32, Contiguous(96, 1 << 23)));
        Assert.Contains("needs", Of(Dataspace(1 << 21), Float32, Contiguous(96, 4)));
        Assert.Contains("too large", Of(Dataspace(int.MaxValue, int.MaxValue, 0, 0), Float32, Contiguous(96, 0)));
        Assert.Contains("too large", Of(Dataspace(1UL << 62, 0), Float32, Contiguous(96, 0)));
        Assert.Contains("a size of", Of(Dataspace(Nowhere), Float32, Contiguous(96, 0)));
        Assert.Contains("dimensions", Of(Dataspace([.. Enumerable.Repeat(1UL, 200)]), Float32, Contiguous(96, 4)));
        Assert.Contains("far larger", Of(Dataspace(1 << 27), Float32, Contiguous(Nowhere, 0)));
        Assert.Contains("several messages", Of(Dataspace(1), Dataspace(1 << 20), Float32, Contiguous(96, 4)));
        // A type that refers to the header that contains it.
        Assert.Contains("type", Refused(RootOf(made =>
        {
            var dataset = made.Reserve(200);
            made.Put(dataset, Header(Dataspace(1), [0x03, 10, 0, 2, 3, 2, .. Eight(dataset)], Contiguous(96, 4)));
            return [Link("x", dataset)];
        })));
    }

    [Fact]
    public void ChunksUnpackToNoMoreThanTheyShould()
    {
        byte[] With(uint[] sizes, ulong[] shape, ushort[] filters, Func<MadeHdf5, ulong> tree) => RootOf(made =>
            [Link("x", made.Add(Header(Dataspace(shape), Float32, Chunked(tree(made), sizes), Filters(filters))))]);
        var chunk = Deflated(new byte[4000]);
        ulong One(MadeHdf5 made, byte[] stored, ulong start = 0) =>
            made.Add(Tree(1, 0, 24, (ChunkKey((uint)stored.Length, start), made.Add(stored))));
        Assert.Equal(1500, Read(With([1000, 4], [1500], [1], made => One(made, chunk))).Tensors["x"].Values.Length);
        Assert.Contains("more than a chunk", Refused(With([1000, 4], [1500], [1], made => One(made, Deflated(new byte[50_000_000])))));
        Assert.Contains("3999 bytes where 4000", Refused(With([1000, 4], [1500], [1], made => One(made, Deflated(new byte[3999])))));
        Assert.Contains("none can be", Refused(With([1000, 4], [1500], [1], made => One(made, chunk, 2000))));
        Assert.Contains("none can be", Refused(With([1000, 4], [1500], [1], made => One(made, chunk, Nowhere))));
        Assert.Contains("none can be", Refused(With([1000, 4], [1500], [1], made => One(made, chunk, 7))));
        Assert.Contains("too large", Refused(With([uint.MaxValue, 4], [1500], [1], made => One(made, chunk))));
        Assert.Contains("too large", Refused(With([1 << 30, 4], [1500], [1], made => One(made, chunk))));
        Assert.Contains("too large", Refused(With([0, 4], [1500], [1], made => One(made, chunk))));
        Assert.Contains("far larger", Refused(With([1 << 28, 4], [1500], [1], made => One(made, chunk))));
        Assert.Contains("elements of 8 bytes", Refused(With([1000, 8], [1500], [1], made => One(made, chunk))));
        Assert.Contains("20 filters", Refused(With([1000, 4], [1500], [.. Enumerable.Repeat((ushort)2, 20)], made => One(made, chunk))));
        Assert.Contains("filter 32000", Refused(With([1000, 4], [1500], [32000], made => One(made, chunk))));
        Assert.Contains("checksum", Refused(With([1000, 4], [1500], [3], made => One(made, [1, .. new byte[4003]]))));
        // A thousand entries for the same chunk: 8 MiB, compressed to 8 KiB.
        Assert.Contains("far larger", Refused(With([2 << 20, 4], [2 << 20], [1], made =>
        {
            var packed = Deflated(new byte[8 << 20]);
            var place = made.Add(packed);
            return made.Add(Tree(1, 0, 24, [.. Enumerable.Repeat((ChunkKey((uint)packed.Length, 0), place), 1000)]));
        })));
        Assert.Contains("twice", Refused(With([1000, 4], [1500], [1], made =>
        {
            var node = made.Reserve(100);
            made.Put(node, Tree(1, 1, 24, (ChunkKey(0, 0), node)));
            return made.Add(Tree(1, 2, 24, (ChunkKey(0, 0), node), (ChunkKey(0, 0), node)));
        })));
    }

    [Fact]
    public void NewIndexesOfChunksAreBoundedToo()
    {
        byte[] With(ulong[] shape, byte index, byte[] parameters, Func<MadeHdf5, ulong> address) => RootOf(made =>
            [Link("x", made.Add(Header(Dataspace(shape), Float32,
            Message(0x08, [4, 2, 0, 2, 4, .. Four(10), .. Four(4), index, .. parameters, .. Eight(address(made))]))))]);
        var content = MadeWeights.Bytes([.. Enumerable.Range(0, 20).Select(i => (float)i)]);
        Assert.Equal(Enumerable.Range(0, 15).Select(i => (float)i), Read(With([15], 2, [], made => made.Add(content))).Tensors["x"].Values);
        ulong Array(MadeHdf5 made, ulong count, byte width = 8) => made.Add([.. "FAHD"u8, 0, 0, width, 10, .. Eight(count),
            .. Eight(made.Add([.. "FADB"u8, 0, 0, .. Eight(0), .. Eight(made.Add(content)), .. Eight(Nowhere), 0, 0, 0, 0])), 0, 0, 0, 0]);
        Assert.Equal([.. Enumerable.Range(0, 10).Select(i => (float)i), 0, 0, 0, 0, 0],
            Read(With([15], 3, [10], made => Array(made, 2))).Tensors["x"].Values);
        Assert.Contains("where there are 2", Refused(With([15], 3, [10], made => Array(made, 1UL << 40))));
        Assert.Contains("index of chunks for", Refused(With([15], 3, [10], made => Array(made, 2, width: 3))));
        Assert.Contains("data that grow", Refused(With([15], 4, [1, 1, 1, 1, 1], made => made.Add(content))));
        Assert.Contains("data that grow", Refused(With([15], 5, [1, 1, 1, 1, 1, 1], made => made.Add(content))));
        Assert.Contains("outside of the file", Refused(With([15], 2, [], made => 1UL << 40)));
        // As many chunks as the shape requires, but the file does not contain them.
        Assert.Contains("outside of the file", Refused(With([1 << 21], 2, [], made => made.Add(content))));
        Assert.Contains("outside of the file", Refused(With([1 << 21], 3, [10], made => Array(made, (1 << 21) / 10 + 1))));
    }

    [Fact]
    public void AttributesOfAnySizeAreBounded()
    {
        byte[] WithNames(Func<MadeHdf5, byte[][]> attributes) =>
            FileOf(made => made.Add(Header([LinkInfo(Nowhere, Nowhere), .. attributes(made)])));
        byte[] Place(uint length, ulong heap, uint index) => [.. Four(length), .. Eight(heap), .. Four(index)];
        Assert.Contains("names the layer l, which is missing",
            Refused(WithNames(_ => [Attribute("layer_names", Text(1), Space(1), (byte)'l')])));
        Assert.Contains("names the layer ll, which",
            Refused(WithNames(made =>
            [Attribute("layer_names", TextOfAnyLength, Space(1), Place(2, made.Add(GlobalHeap("ll"u8.ToArray())), 1))])));
        Assert.Contains("is cut off", Refused(WithNames(_ => [Attribute("layer_names", Text(1), Space(1 << 30), (byte)'l')])));
        Assert.Contains("is cut off", Refused(WithNames(_ => [Attribute("layer_names", Text(int.MaxValue), Space(2), (byte)'l')])));
        Assert.Contains("too large", Refused(WithNames(_ => [Attribute("layer_names", Text(1), Space(1UL << 40, 0), (byte)'l')])));
        Assert.Contains("no list of names", Refused(WithNames(_ => [Attribute("layer_names", Float32[4..], Space(1), 0, 0, 0, 0)])));
        Assert.Contains("no list of names",
            Refused(WithNames(_ => [Attribute("layer_names", [0x16, 1, 0, 0, .. Four(4)], Space(1), 0, 0, 0, 0)])));
        Assert.Contains("two attributes",
            Refused(WithNames(_ => [.. Enumerable.Repeat(Attribute("layer_names", Text(1), Space(1), (byte)'l'), 2)])));
        // Thousands of names that are all the same long text of a heap.
        Assert.Contains("far larger", Refused(WithNames(made =>
        {
            var heap = made.Add(GlobalHeap([.. Enumerable.Repeat((byte)'n', 60_000)]));
            return [Attribute("layer_names", TextOfAnyLength, Space(3000),
                [.. Enumerable.Repeat(Place(60_000, heap, 1), 3000).SelectMany(place => place)])];
        })));
        Assert.Contains("has no object 7",
            Refused(WithNames(made =>
            [Attribute("layer_names", TextOfAnyLength, Space(1), Place(2, made.Add(GlobalHeap("ll"u8.ToArray())), 7))])));
        Assert.Contains("outside of the file",
            Refused(WithNames(_ => [Attribute("layer_names", TextOfAnyLength, Space(1), Place(2, 1UL << 60, 1))])));
        Assert.Contains("outside of the file", Refused(WithNames(made =>
            [Attribute("layer_names", TextOfAnyLength, Space(1), Place(2, made.Add([.. "GCOL"u8, 1, 0, 0, 0, .. Eight(1UL << 60)]), 1))])));
        Assert.Contains("is cut off", Refused(WithNames(made =>
            [Attribute("layer_names", TextOfAnyLength, Space(1), Place(uint.MaxValue, made.Add(GlobalHeap("ll"u8.ToArray())), 1))])));
        // A heap that is read again at every address within it.
        Assert.Contains("global heap", Refused(WithNames(made =>
        {
            var heap = made.Add(GlobalHeap([.. Enumerable.Repeat("GCOL\u0001\0\0\0"u8.ToArray(), 5000).SelectMany(text =>
                (byte[])[.. text, .. Eight(20_000)])]));
            return [Attribute("layer_names", TextOfAnyLength, Space(3000),
                [.. Enumerable.Range(0, 3000).SelectMany(i => Place(2, heap + 32 + 16 * (ulong)i, 1))])];
        })));
    }

    [Fact]
    public void FilesOfAnotherKindAreRefusedByName()
    {
        var intact = RootOf(made => [Link("a", Numbers(made, 1))]);
        byte[] Changed(int at, params byte[] to)
        {
            byte[] changed = [.. intact];
            to.CopyTo(changed, at);
            return changed;
        }
        Assert.Contains("version 9", Refused(Changed(8, 9)));
        Assert.Contains("eight bytes wide", Refused(Changed(9, 4)));
        Assert.Contains("count from byte 512", Refused(Changed(12, Eight(512))));
        Assert.Contains("is cut off", Refused(Changed(28, Eight(1 << 20))));
    }
}
