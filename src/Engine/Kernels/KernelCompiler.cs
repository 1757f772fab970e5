using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Convolve.Engine.Devices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;

namespace Convolve.Engine.Kernels;

/// <summary>Compiles a kernel, in its loop, to a kernel of an accelerator.</summary>
internal static partial class KernelCompiler
{
    /// <summary>
    /// ILGPU writes <c>a*b</c> and <c>+</c> as two statements, which OpenCL may not contract by itself; this line lets the compiler
    /// fuse them, and is worth 1.5 times the speed of a matrix multiply.
    /// </summary>
    private const string ContractionPragma = "#pragma clang fp contract(fast)\n";

    /// <summary>
    /// From AVX-512 on LLVM makes vectors of half a register, because the first CPUs of that kind lowered their clock for whole ones. Tuned
    /// for any x86-64 it makes whole ones; the instructions it may use stay those of the device. On Zen 5 this doubles a matrix product.
    /// </summary>
    private const string WholeVectors = "#pragma clang attribute push(__attribute__((target(\"tune=x86-64\"))), apply_to = function)\n";

    private const string WholeVectorsEnd = "\n#pragma clang attribute pop\n";

    private const int LanesOfAvx512 = 16;

    /// <summary>Devices of one catalogue share ILGPU's context; their kernels are compiled one after the other.</summary>
    private static readonly Lock gate = new();

    /// <summary>The settings under which every kernel is compiled, to run or to be read.</summary>
    public static Context.Builder Configure(Context.Builder builder) => builder
        .EnableAlgorithms()
        // O2 is the only level at which ILGPU infers `global` for the pointers of views, without which PoCL refuses a program.
        .Optimize(OptimizationLevel.O2)
        .Inlining(InliningMode.Aggressive);

    /// <summary>Compiles and loads a kernel.</summary>
    /// <exception cref="DeviceException">The driver cannot compile it.</exception>
    public static Kernel Compile(Context context, Accelerator accelerator, DeviceDescription device, MethodInfo entry)
    {
        lock (gate)
        {
            var compiled = Compile(accelerator.GetBackend(), entry);
            if (compiled is CLCompiledKernel opencl)
                compiled = new CLCompiledKernel(context, EntryPointOf(opencl), opencl.Info, SourceFor(accelerator, opencl),
                    opencl.CVersion);
            try
            {
                return accelerator.LoadKernel(compiled);
            }
            catch (AcceleratorException e)
            {
                throw DeviceException.Of($"compiling {KernelForm.NameOf(entry.GetGenericArguments()[0])}", device, e);
            }
        }
    }

    /// <summary>Compiles a kernel to a driver's language.</summary>
    /// <param name="backend">The language.</param>
    /// <param name="entry">What <see cref="KernelForm.Entry"/> gives.</param>
    internal static CompiledKernel Compile(Backend backend, MethodInfo entry)
    {
        var kernel = entry.GetGenericArguments()[0];
        // Only CUDA takes bounds as a hint.
        var bounds = backend is PTXBackend ? kernel.GetCustomAttribute<LaunchBoundsAttribute>() : null;
        // Profilers show the entry's name. Code for ILGPU's CPU accelerator calls the method itself.
        var method = backend.BackendType == BackendType.IL ? entry : new NamedMethod(entry, KernelForm.EntryName(kernel));
        return backend.Compile(EntryPointDescription.FromExplicitlyGroupedKernel(method),
            bounds is null ? KernelSpecialization.Empty : new KernelSpecialization(bounds.Threads, bounds.Groups));
    }

    private static string SourceFor(Accelerator accelerator, CLCompiledKernel kernel)
    {
        var source = OpenClSource(kernel);
        var shortensVectors = RuntimeInformation.ProcessArchitecture == Architecture.X64 && AcceleratorTraits.IsPocl(accelerator)
            && AcceleratorTraits.VectorLanes(accelerator) >= LanesOfAvx512;
        return shortensVectors ? WholeVectors + source + WholeVectorsEnd : source;
    }

    /// <summary>The source as drivers get it.</summary>
    internal static string OpenClSource(CLCompiledKernel kernel) => ContractionPragma + GlobalAtomics(StableNames(kernel.Source));

    private static SeparateViewEntryPoint EntryPointOf(CLCompiledKernel kernel) =>
        (SeparateViewEntryPoint)(
            typeof(CompiledKernel).GetProperty("EntryPoint", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
            ?.GetValue(kernel) ?? throw new DeviceException("this version of ILGPU hides the entry point of a compiled kernel"));

    /// <summary>
    /// ILGPU numbers types and labels through the whole context, so a kernel's text depends on what was compiled before it, and the
    /// driver's cache of compiled programs, which is keyed by the text, would miss. Numbers in order of appearance make it stable.
    /// </summary>
    internal static string StableNames(string source)
    {
        var numbers = new Dictionary<string, string>();
        return NumberedName().Replace(source, match =>
        {
            if (!numbers.TryGetValue(match.Value, out var name))
            {
                name = match.Groups[1].Value + (numbers.Count + 1).ToString(CultureInfo.InvariantCulture);
                numbers.Add(match.Value, name);
            }
            return name;
        });
    }

    /// <summary>
    /// ILGPU passes an atomic operation a pointer without an address space, which devices such as PoCL do not know. All atomics of this
    /// engine are on global memory (<see cref="WorkQueue"/>), for which every version of OpenCL has a function.
    /// </summary>
    private static string GlobalAtomics(string source) => AtomicAdd().Replace(source, "atomic_add ((volatile __global int*)");

    [GeneratedRegex(@"\batomic_fetch_add \(\(atomic_int\*\)")]
    private static partial Regex AtomicAdd();

    [GeneratedRegex(@"\b(type_|L_)\d+(?=\b|_)")]
    private static partial Regex NumberedName();
}
