using Convolve.Engine.Kernels;
using ILGPU;

namespace Convolve.Engine.Tensors;

// sum = left + right, any shape
[Kernel("add", "elementwise")]
internal struct AddTensors : IElementKernel
{
    public ArrayView<float> Left, Right, Sum;

    public readonly void Run<T>(int i) where T : struct, ILanes<T> => T.Store(Sum, i, T.Load(Left, i) + T.Load(Right, i));
}

// target = source, any shape
[Kernel("copy", "elementwise")]
internal struct CopyTensor : IElementKernel
{
    public ArrayView<float> Source, Target;

    public readonly void Run<T>(int i) where T : struct, ILanes<T> => T.Store(Target, i, T.Load(Source, i));
}

// target = value, any shape
[Kernel("fill", "elementwise")]
internal struct FillTensor : IKernel
{
    public ArrayView<float> Target;
    public float Value;

    public readonly void Run(int i) => Target[i] = Value;
}
