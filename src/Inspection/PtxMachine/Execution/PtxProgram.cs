using Convolve.Inspection.PtxMachine.Instructions;
using Convolve.Inspection.PtxMachine.Memory;
using Convolve.Inspection.PtxMachine.Sampling;
using Convolve.Inspection.PtxMachine.Syntax;

namespace Convolve.Inspection.PtxMachine.Execution;

/// <summary>A kernel made ready to run: the places of its registers and variables, and .NET code for each of its basic blocks.</summary>
internal sealed class PtxProgram
{
    private readonly Action<Warp>?[] blocks;
    private readonly Translation[] translations;

    /// <summary>Translates a kernel.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="counted">For launches that only count: what has to be executed all the same.</param>
    /// <exception cref="PtxException">The machine does not have one of its instructions.</exception>
    public PtxProgram(PtxKernel kernel, AddressSlice? counted = null)
    {
        Kernel = kernel;
        Flow = ControlFlow.Of(kernel);
        Registers = new RegisterFile(kernel);
        Shared = new DeclaredMemory(kernel, StateSpace.Shared);
        Local = new DeclaredMemory(kernel, StateSpace.Local);
        var translator = new Translator(this);
        translations = [.. kernel.Instructions.Select((instruction, i) => counted is null
            ? translator.Translate(instruction, i)
            : translator.TranslateCounting(instruction, i, counted.Contains(i)))];
        Accesses = translator.Accesses;
        MatrixProducts = translator.MatrixProducts;
        WatchedRegisters = translator.WatchedRegisters;
        SharedGranule = GranuleOf(StateSpace.Shared);
        GlobalGranule = GranuleOf(StateSpace.Global);
        blocks = new Action<Warp>?[Flow.Blocks.Count];
    }

    public PtxKernel Kernel { get; }

    public ControlFlow Flow { get; }

    public RegisterFile Registers { get; }

    public DeclaredMemory Shared { get; }

    public DeclaredMemory Local { get; }

    /// <summary>Registers that are watched for reads before the first write.</summary>
    public int WatchedRegisters { get; }

    /// <summary>Bytes of shared memory that the kernel always accesses together.</summary>
    public int SharedGranule { get; }

    /// <summary>The same of global memory.</summary>
    public int GlobalGranule { get; }

    /// <summary>All instructions that use memory.</summary>
    public IReadOnlyList<MemoryAccess> Accesses { get; }

    /// <summary>All products of tensor cores.</summary>
    public IReadOnlyList<MatrixProduct> MatrixProducts { get; }

    private int GranuleOf(StateSpace space) =>
        Accesses.Where(access => access.Space == space).All(access => access.Type.Bytes >= 4) ? 4 : 1;

    /// <summary>Executes a block for the lanes of a warp that are there. What is never executed is never compiled.</summary>
    public void Execute(BasicBlock block, Warp warp) =>
        (blocks[block.Index] ??= BlockCompiler.Compile($"{Kernel.Name}:{block.Index}",
            Enumerable.Range(block.First, block.End - block.First).Select(i => translations[i])))(warp);
}
