using Convolve.Layers.WeightFiles;

namespace Convolve.Layers.Tests.Oracles;

/// <summary>Reads libtorch's results from this project's files, or from the folder in <c>CONVOLVE_ORACLES</c>.</summary>
internal static class OracleFile
{
    private static string Folder => Environment.GetEnvironmentVariable("CONVOLVE_ORACLES") is { Length: > 0 } folder
        ? folder
        : Path.Combine(AppContext.BaseDirectory, "Oracles");

    public static IReadOnlyDictionary<string, StoredTensor> Read(string name) =>
        SafeTensors.Read(Path.Combine(Folder, $"{name}.safetensors")).Tensors;
}
