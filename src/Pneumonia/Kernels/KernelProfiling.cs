using Convolve.Engine.Devices;
using Convolve.Inspection;
using Convolve.Inspection.Prediction;
using Convolve.Inspection.Profiling;
using Convolve.Inspection.PtxMachine.Sampling;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Kernels;

/// <summary>Settings of <c>kernels profile</c>.</summary>
public sealed record KernelProfilingSettings : ICheckedSettings
{
    /// <summary>The kernel's or the case's name.</summary>
    [Arguments("NAME|CASE", "a kernel that `kernels list` names, or a case such as gemm/1024, conv-forward/vgg.conv4_2 or "
        + "train-step/cnn-150-b100", "which kernel or case? give the name of one; kernels list has the kernels")]
    public IReadOnlyList<string> Names { get; init; } = [];

    /// <summary>The GPU's name.</summary>
    [Gpu]
    public string Gpu { get; init; } = GpuAttribute.Default;

    [Json]
    public bool Json { get; init; }

    /// <summary>The kernel; null for a case.</summary>
    internal CataloguedKernel? Kernel => KernelCatalogue.Find(Names[0]);

    /// <summary>The case; null for a kernel.</summary>
    internal BenchmarkCase? Case => BenchmarkCase.Find(Names[0]);

    /// <summary>The GPU.</summary>
    internal Gpu Target => Inspection.Prediction.Gpu.Named(Gpu);

    /// <inheritdoc/>
    void ICheckedSettings.Check(string command)
    {
        if (Names.Count > 1) throw new UserError($"{command}: {Names.Count} names; give one");
        if (Kernel is not { } kernel)
        {
            if (Case is not null) return;
            var known = KernelCatalogue.All.Where(candidate => candidate.RunsOnGpus).Select(candidate => candidate.Name)
                .Concat(BenchmarkCase.All.Select(candidate => candidate.Name));
            var nearest = string.Join(", ", Suggestion.Nearest(Names[0], known));
            throw new UserError($"'{Names[0]}': there is no such kernel or case; the nearest: {nearest}; kernels list has the kernels");
        }
        if (!kernel.RunsOnGpus) throw new UserError($"{kernel} is written for processors only: there is no CUDA form to profile");
        if (Target.Target.Number < kernel.MinimalArchitecture.Number)
            throw new UserError($"--gpu {Gpu}: {kernel} needs {kernel.MinimalArchitecture} or newer, but this GPU is {Target.Target}");
    }
}

/// <summary>A GPU whose figures are known.</summary>
internal sealed class GpuAttribute()
    : WordAttribute($"GPU to predict for ({Default}); none is needed here", [.. Gpu.All.Select(gpu => gpu.Name)])
{
    /// <summary>The one that kernels were measured on.</summary>
    public const string Default = "h200";
}

/// <summary>Profiles a kernel, or the launches of a case, without a GPU.</summary>
public static class KernelProfiling
{
    /// <exception cref="UserError">The GPU has no room for the case, or the case launches no kernel of the engine.</exception>
    public static Task<int> RunAsync(KernelProfilingSettings settings, Terminal terminal, CancellationToken cancellation)
    {
        if (settings.Kernel is { } kernel)
        {
            var profile = KernelProfile.Of(kernel, settings.Target);
            if (settings.Json) terminal.WriteJson(ProfileDocument.Of(profile));
            else ProfileReport.Write(profile, terminal);
            return Task.FromResult(0);
        }
        var steps = CaseProfile.Of(settings.Case!, settings.Target);
        cancellation.ThrowIfCancellationRequested();
        if (settings.Json)
        {
            terminal.WriteJson(ProfileDocument.Of(steps.Dearest) with
            {
                Case = steps.Case.Name,
                CasePredictedMilliseconds = steps.Milliseconds,
                Launches = [.. steps.Kernels.Select(LaunchedKernel.Of)],
            });
            return Task.FromResult(0);
        }
        ProfileReport.Write(steps, terminal);
        return Task.FromResult(0);
    }
}

/// <summary>The launches of a case.</summary>
/// <param name="Case">The case.</param>
/// <param name="Milliseconds">From its first launch to the end of the synchronisation behind the last.</param>
/// <param name="Kernels">Its kernels, dearest first.</param>
/// <param name="Dearest">The profile of the dearest launch of the dearest kernel.</param>
internal sealed record CaseProfile(BenchmarkCase Case, double Milliseconds, IReadOnlyList<CaseKernel> Kernels, KernelProfile Dearest)
{
    /// <summary>Profiles a case.</summary>
    /// <exception cref="UserError">The GPU has no room for it.</exception>
    public static CaseProfile Of(BenchmarkCase named, Gpu gpu)
    {
        IReadOnlyList<RecordedLaunch> launches;
        try
        {
            launches = named.Launches(gpu);
        }
        catch (DeviceException e)
        {
            throw UserError.From(e, where: named.Name, given: $"--gpu {gpu.Name}");
        }
        var (microseconds, predictions) = new TimeModel(gpu).Predict(launches);
        CaseKernel[] kernels =
        [
            .. launches.Zip(predictions).GroupBy(pair => pair.First.Name)
                .Select(group => new CaseKernel(KernelCatalogue.OfLaunch(group.Key)!,
                    [.. group.OrderByDescending(pair => pair.Second.Microseconds)]))
                .OrderByDescending(kernel => kernel.Milliseconds),
        ];
        return new CaseProfile(named, microseconds / 1000, kernels,
            KernelProfile.Of(kernels[0].Kernel, gpu, named.Name, kernels[0].Launches[0].Launch));
    }
}

/// <summary>A kernel of a case.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Launches">Its launches, dearest first.</param>
internal sealed record CaseKernel(CataloguedKernel Kernel, IReadOnlyList<(RecordedLaunch Launch, LaunchPrediction Prediction)> Launches)
{
    /// <summary>Of all launches together.</summary>
    public double Milliseconds => Launches.Sum(launch => launch.Prediction.Microseconds) / 1000;
}
