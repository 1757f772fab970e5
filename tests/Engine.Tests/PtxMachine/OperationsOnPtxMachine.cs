using Convolve.Engine.Tests.Operations;

namespace Convolve.Engine.Tests.PtxMachine;

// The tests of all operations, with their references in double, on kernels in their form for CUDA.

[Collection(OnPtxMachine.Name)]
public sealed class ActivationOnPtxMachine(PtxMachineDevice device) : ActivationTests(device.Note<ActivationOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class AugmentationOnPtxMachine(PtxMachineDevice device) : AugmentationTests(device.Note<AugmentationOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class BatchNormalizationOnPtxMachine(PtxMachineDevice device)
    : BatchNormalizationTests(device.Note<BatchNormalizationOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class ConvolutionOnPtxMachine(PtxMachineDevice device) : ConvolutionTests(device.Note<ConvolutionOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class DropoutOnPtxMachine(PtxMachineDevice device) : DropoutTests(device.Note<DropoutOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class LossOnPtxMachine(PtxMachineDevice device) : LossTests(device.Note<LossOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class MatrixMultiplyOnPtxMachine(PtxMachineDevice device) : MatrixMultiplyTests(device.Note<MatrixMultiplyOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class PartTreeOnPtxMachine(PtxMachineDevice device) : PartTreeTests(device.Note<PartTreeOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class PixelConversionOnPtxMachine(PtxMachineDevice device) : PixelConversionTests(device.Note<PixelConversionOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class PoolingOnPtxMachine(PtxMachineDevice device) : PoolingTests(device.Note<PoolingOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class ToneOnPtxMachine(PtxMachineDevice device) : ToneTests(device.Note<ToneOnPtxMachine>());

[Collection(OnPtxMachine.Name)]
public sealed class UpdateOnPtxMachine(PtxMachineDevice device) : UpdateTests(device.Note<UpdateOnPtxMachine>());
