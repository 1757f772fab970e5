using System.Diagnostics;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Convolve.Engine;
using Convolve.Engine.Devices;
using Convolve.Engine.Files;
using Convolve.Engine.Operations.Convolution;
using Convolve.Engine.Operations.Pixels;
using Convolve.Layers.Networks;

namespace Convolve.Layers.Training;

/// <summary>What <see cref="FeatureExtraction.Clear"/> did to a folder of features.</summary>
/// <param name="Files">Files removed.</param>
/// <param name="Bytes">Their bytes.</param>
/// <param name="KeptBytes">Bytes that are left, of the features of all bases.</param>
public readonly record struct ClearedFeatures(int Files, long Bytes, long KeptBytes);

/// <summary>A file of features that a training is using is gone or changed. The message is one line and names it.</summary>
public sealed class FeatureFileException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Features on disk: a folder for everything besides the image that they depend on (the base's layers and weights, scaling, device,
/// algorithm and version), and in it a file for each image, named by a hash of its pixels. If anything changes, so does the name. A file
/// contains float32 values and their SHA-256; its modification time is when it was written or last used.
/// </summary>
/// <remarks>
/// Beside a base's folder there is a lock file. Trainings that use the folder share it; removing files needs it exclusively. A lock is
/// taken only while holding the lock of all folders, so none is removed while another process waits for it. The system frees the locks of a
/// process that was killed.
/// </remarks>
internal sealed class FeatureCache : IDisposable
{
    private const string LockSuffix = ".lock";
    private const int NameLength = 32;

    // Removing many thousands of files takes seconds.
    private static readonly TimeSpan patience = TimeSpan.FromMinutes(1);

    private readonly string root;
    private readonly int length;
    private readonly HashSet<string> used = new(StringComparer.Ordinal);
    private FileStream? occupied;

    private FeatureCache(string root, string name, int length)
    {
        this.root = root;
        this.length = length;
        Folder = Path.Combine(root, name);
    }

    /// <summary>The folder of this base.</summary>
    public string Folder { get; }

    /// <summary>The features of a base below a folder; nothing is written yet.</summary>
    public static FeatureCache Of(Sequential network, PixelScaling scaling, ConvolutionAlgorithm algorithm, string folder)
    {
        var device = network.Device ?? throw new InvalidOperationException("features: initialize the network first");
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Another build may compute other bits even if its version is the same.
        foreach (var part in new[]
        {
            NetworkDescription.ToJson(network).ToJsonString(), scaling.ToString(), algorithm.ToString(), device.Description.ToString(),
            device.Shape.ToString(), device.UsesTf32.ToString(), DeviceCatalogue.CompilerVersion,
                typeof(Device).Module.ModuleVersionId.ToString(),
            typeof(FeatureCache).Module.ModuleVersionId.ToString(),
        })
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(part + "\n"));
        foreach (var parameter in network.Parameters) hash.AppendData(MemoryMarshal.AsBytes(parameter.Value.ToArray().AsSpan()));
        return new FeatureCache(folder, Convert.ToHexStringLower(hash.GetHashAndReset())[..NameLength], network.OutputShape.Length);
    }

    /// <summary>Keeps others from removing files of the folder until this object is disposed.</summary>
    /// <exception cref="IOException">The lock cannot be taken or created.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public void Occupy()
    {
        if (occupied is not null) return;
        Directory.CreateDirectory(root);
        using var all = Lock(LockOfAll, FileShare.None, patience) ?? throw new IOException($"{LockOfAll} is held by another program");
        occupied = Lock(Folder + LockSuffix, FileShare.Read, TimeSpan.Zero)
            ?? throw new IOException($"{Folder + LockSuffix} is held by another program");
        WholeFile.RemoveLeftovers(Folder);
    }

    /// <summary>The file of an image's features, existing or not; it counts as used from now on.</summary>
    public string PathOf(ReadOnlySpan<byte> pixels)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(pixels, hash);
        var path = Path.Combine(Folder, Convert.ToHexStringLower(hash) + ".f32");
        used.Add(path);
        return path;
    }

    /// <summary>The checksum of a file's values; null if the file is missing or damaged.</summary>
    public ulong? Find(string path)
    {
        try
        {
            var bytes = File.ReadAllBytes(path);
            var values = length * sizeof(float);
            if (bytes.Length != values + SHA256.HashSizeInBytes
                || !SHA256.HashData(bytes.AsSpan(0, values)).AsSpan().SequenceEqual(bytes.AsSpan(values))) return null;
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow);
            return Checksum(bytes.AsSpan(0, values));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes a file.</summary>
    /// <returns>The checksum of its values.</returns>
    public static ulong Write(string path, ReadOnlySpan<float> features)
    {
        var bytes = MemoryMarshal.AsBytes(features).ToArray();
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        WholeFile.WriteReplaceable(path, stream =>
        {
            stream.Write(bytes);
            stream.Write(SHA256.HashData(bytes));
        });
        return Checksum(bytes);
    }

    /// <summary>Reads the values of a file that was found or written, and checks that they have not changed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="values">Room for its values.</param>
    /// <param name="checksum">The result of <see cref="Find"/> or <see cref="Write"/>.</param>
    /// <exception cref="FeatureFileException">They changed, or cannot be read.</exception>
    public static void Read(string path, Span<byte> values, ulong checksum)
    {
        try
        {
            using var file = File.OpenHandle(path);
            if (RandomAccess.Read(file, values, 0) == values.Length && Checksum(values) == checksum) return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new FeatureFileException(
                $"features: {path} cannot be read any more: {e.Message}; train again, and leave the folder alone meanwhile", e);
        }
        throw new FeatureFileException($"features: {path} changed while it was read; delete it and train again");
    }

    // For what is read again in every epoch: a few microseconds, while SHA-256 would take as long as reading.
    private static ulong Checksum(ReadOnlySpan<byte> values) => XxHash3.HashToUInt64(values);

    /// <summary>
    /// Removes unused files of all bases, the least recently used first, until at most <paramref name="limit"/> bytes are left.
    /// </summary>
    public ClearedFeatures Clear(long limit)
    {
        if (!Directory.Exists(root)) return default;
        // If another training takes that long, the next one clears.
        using var all = Lock(LockOfAll, FileShare.None, patience);
        if (all is null) return default;
        // A shared lock cannot be made exclusive; it is released and taken again before anybody else can take it.
        occupied?.Dispose();
        var locks = new Dictionary<string, FileStream>(StringComparer.Ordinal);
        try
        {
            var removable = new List<FileInfo>();
            long kept = 0;
            foreach (var folder in Directory.EnumerateDirectories(root).Where(IsOfABase))
            {
                if (Lock(folder + LockSuffix, FileShare.None, TimeSpan.Zero) is { } alone) locks.Add(folder, alone);
                foreach (var file in new DirectoryInfo(folder).EnumerateFiles())
                {
                    kept += SizeOf(file);
                    if (locks.ContainsKey(folder) && !used.Contains(Path.Combine(folder, file.Name))) removable.Add(file);
                }
            }
            var (files, bytes) = (0, 0L);
            foreach (var file in removable.OrderBy(file => file.LastWriteTimeUtc).ThenBy(file => file.FullName, StringComparer.Ordinal))
            {
                if (kept <= limit) break;
                var size = SizeOf(file);
                if (!Removed(file.Delete)) continue;
                files++;
                bytes += size;
                kept -= size;
            }
            return new ClearedFeatures(files, bytes, kept);
        }
        finally
        {
            foreach (var (folder, alone) in locks)
            {
                alone.Dispose();
                if (folder != Folder && !Directory.EnumerateFileSystemEntries(folder).Any() && Removed(() => Directory.Delete(folder)))
                    Removed(() => File.Delete(folder + LockSuffix));
            }
            if (occupied is not null) occupied = Lock(Folder + LockSuffix, FileShare.Read, TimeSpan.Zero);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        occupied?.Dispose();
        occupied = null;
    }

    private string LockOfAll => Path.Combine(root, LockSuffix);

    // Other folders there are not ours.
    private static bool IsOfABase(string folder) =>
        Path.GetFileName(folder) is { Length: NameLength } name && name.All(char.IsAsciiHexDigitLower);

    // Another training may be renaming it.
    private static long SizeOf(FileInfo file)
    {
        try { return file.Length; }
        catch (FileNotFoundException) { return 0; }
    }

    private static bool Removed(Action remove)
    {
        try
        {
            remove();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    // Shared (Read) or exclusive (None); null if it cannot be taken in time.
    private static FileStream? Lock(string path, FileShare share, TimeSpan within)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.Read, share);
            }
            catch (IOException) when (File.Exists(path))
            {
                if (watch.Elapsed >= within) return null;
                Thread.Sleep(20);
            }
        }
    }
}
