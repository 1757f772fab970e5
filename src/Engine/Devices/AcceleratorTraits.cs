using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace Convolve.Engine.Devices;

/// <summary>Properties of an accelerator that kernels need, as its driver reports them.</summary>
internal static class AcceleratorTraits
{
    /// <summary>Whether an accelerator is the CPU, through PoCL.</summary>
    public static bool IsPocl(Accelerator accelerator) =>
        accelerator is CLAccelerator { DeviceType: CLDeviceType.CL_DEVICE_TYPE_CPU }
            && OpenClPlatforms.IsPocl(((CLDevice)accelerator.Device).PlatformName);

    /// <summary>float32 lanes of the native vectors of an OpenCL device, else 1.</summary>
    public static int VectorLanes(Accelerator accelerator)
    {
        const CLDeviceInfoType nativeVectorWidthFloat = (CLDeviceInfoType)0x103A;
        if (accelerator is not CLAccelerator opencl) return 1;
        try
        {
            return CLAPI.CurrentAPI.GetDeviceInfo<int>(opencl.DeviceId, nativeVectorWidthFloat);
        }
        catch (CLException)
        {
            return 1;
        }
    }

    /// <summary>Whether an accelerator has tensor cores that multiply TF32 numbers.</summary>
    public static bool HasTf32(Accelerator? accelerator) =>
        accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaTarget.WithTf32.Architecture;
}
