using System.Numerics;

namespace Convolve.Layers.WeightFiles.Hdf5;

/// <summary>
/// The two kinds of B-trees of HDF5, traversed from left to right. Each node must be one level below its parent and is visited once, so a
/// tree with a cycle is an error.
/// </summary>
internal static class Hdf5Trees
{
    /// <summary>What a tree of version 1 points at.</summary>
    public enum Content : byte
    {
        /// <summary>Links of a group.</summary>
        Links = 0,

        /// <summary>Chunks of a dataset.</summary>
        Chunks = 1,
    }

    /// <summary>The keys and addresses in the leaves of a version 1 tree.</summary>
    /// <param name="file">The file.</param>
    /// <param name="root">The root's address.</param>
    /// <param name="content">What the tree points at.</param>
    /// <param name="keyLength">Bytes of a key.</param>
    /// <exception cref="FormatException">It is malformed.</exception>
    public static List<(byte[] Key, ulong Address)> Version1(Hdf5Bytes file, ulong root, Content content, int keyLength)
    {
        const string What = "a B-tree";
        var found = new List<(byte[], ulong)>();
        if (root == Hdf5Bytes.Nowhere) return found;
        var visited = new HashSet<ulong>();
        Visit(root, null);
        return found;

        void Visit(ulong address, int? expectedLevel)
        {
            if (!visited.Add(address)) throw new FormatException($"{What} reaches the node at {address} twice");
            var prefix = new Hdf5Cursor(file.Read(address, 24, What), What);
            prefix.Expect("TREE"u8, (byte)content);
            int level = prefix.Byte(), entries = prefix.UInt16();
            if (level != (expectedLevel ?? level))
                throw new FormatException($"{What} has a node of level {level} where one of level {expectedLevel} should be");
            var node = new Hdf5Cursor(file.Read(address + 24, (ulong)(entries * (keyLength + 8)), What), What);
            file.AllocationBudget.Take(64L * entries, What);
            for (var i = 0; i < entries; i++)
            {
                var key = node.Take((ulong)keyLength);
                var child = node.UInt64();
                if (level > 0) Visit(child, level - 1);
                else found.Add((key.ToArray(), child));
            }
        }
    }

    /// <summary>The records of a version 2 tree, in order.</summary>
    /// <param name="file">The file.</param>
    /// <param name="header">The address of its header.</param>
    /// <param name="type">The type of its records.</param>
    /// <exception cref="FormatException">It is malformed.</exception>
    public static List<byte[]> Version2(Hdf5Bytes file, ulong header, byte type)
    {
        const string What = "a B-tree";
        const int NodeOverhead = 10;
        var records = new List<byte[]>();
        if (header == Hdf5Bytes.Nowhere) return records;
        var prefix = new Hdf5Cursor(file.Read(header, 38, What), What);
        prefix.Expect("BTHD"u8, 0);
        if (prefix.Byte() is var found && found != type)
            throw new FormatException($"{What} holds records of type {found} instead of {type}");
        int nodeLength = checked((int)prefix.UInt32()), recordLength = prefix.UInt16(), depth = prefix.UInt16();
        prefix.Skip(2);
        var (root, rootRecords) = (prefix.UInt64(), prefix.UInt16());
        if (recordLength == 0 || nodeLength < NodeOverhead + recordLength || nodeLength > file.Length)
            throw new FormatException($"{What} has nodes of {nodeLength} bytes");
        // The most records of a node, and of a subtree, which determine the width of counts.
        var (most, below) = (new long[depth + 1], new BigInteger[depth + 1]);
        most[0] = (nodeLength - NodeOverhead) / recordLength;
        below[0] = most[0];
        var countWidth = Width(most[0]);
        for (var level = 1; level <= depth; level++)
        {
            var pointer = 8 + countWidth + (level > 1 ? Width(below[level - 1]) : 0);
            most[level] = (nodeLength - NodeOverhead - pointer) / (recordLength + pointer);
            below[level] = (most[level] + 1) * below[level - 1] + most[level];
            if (most[level] < 1 || below[level] > ulong.MaxValue) throw new FormatException($"{What} is {depth} levels deep");
        }
        var visited = new HashSet<ulong>();
        if (root != Hdf5Bytes.Nowhere && rootRecords > 0) Visit(root, rootRecords, depth);
        return records;

        void Visit(ulong address, ulong count, int level)
        {
            if (!visited.Add(address)) throw new FormatException($"{What} reaches the node at {address} twice");
            if (count > (ulong)most[level]) throw new FormatException($"{What} has a node of {count} records, for which it has no room");
            var node = new Hdf5Cursor(file.Read(address, (ulong)nodeLength, What), What);
            node.Expect(level > 0 ? "BTIN"u8 : "BTLF"u8, 0);
            if (node.Byte() != type) throw new FormatException($"{What} has a node of another type");
            var own = new byte[count][];
            for (ulong i = 0; i < count; i++) own[i] = node.Take((ulong)recordLength).ToArray();
            file.AllocationBudget.Take((long)count * (recordLength + 64), What);
            for (ulong i = 0; i <= count; i++)
            {
                if (level > 0)
                {
                    var (child, childCount) = (node.UInt64(), node.UInt(countWidth));
                    if (level > 1) node.Skip((ulong)Width(below[level - 1]));
                    Visit(child, childCount, level - 1);
                }
                if (i < count) records.Add(own[i]);
            }
        }

        static int Width(BigInteger value) => Math.Max(1, (int)((value.GetBitLength() + 7) / 8));
    }
}
