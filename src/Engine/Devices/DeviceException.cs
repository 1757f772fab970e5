using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Devices;

/// <summary>A device is missing, fails its self-test, or lacks a capability or memory. The message is one line for the user.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>A driver's error, with its name and number, which its own message often lacks.</summary>
    internal static DeviceException Of(string operation, DeviceDescription device, Exception error) =>
        new($"{operation} failed on {device}: {Reason(error)}", error);

    /// <summary>What went wrong, in one line.</summary>
    internal static string Reason(Exception error) => error switch
    {
        CLException opencl => $"OpenCL error {opencl.Error} ({(int)opencl.Error})",
        CudaException cuda => $"CUDA error {cuda.Error}",
        AcceleratorException { InnerException: { } inner } => Reason(inner),
        _ => error.Message.Split('\n')[0],
    };
}
