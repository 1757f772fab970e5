using System.Globalization;
using Convolve.Engine.Devices;
using Convolve.Inspection.Prediction;
using Convolve.Inspection.Profiling;
using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Pneumonia.Shell;
using Spectre.Console;

namespace Convolve.Pneumonia.Kernels;

/// <summary>A profile as a page of text: each figure with what it means, then the lines of C# with what they cost.</summary>
internal static class ProfileReport
{
    /// <summary>The smallest share of any cost with which a line is shown.</summary>
    private const double SmallestShare = 0.01;

    private const int MostKernels = 15;

    /// <summary>The folder of the engine's sources, which is left out of paths.</summary>
    private const string Engine = "src/Engine/";

    /// <summary>Writes the profile of a case: its kernels, then the dearest of them.</summary>
    public static void Write(CaseProfile profile, Terminal terminal)
    {
        var gpu = profile.Dearest.Gpu;
        terminal.Results.WriteLine(
            $"{profile.Case.Name} on {gpu}: {Time(profile.Milliseconds)} predicted, with launches and synchronisation");
        terminal.Results.WriteLine();
        var table = NewTable("kernel", "launches", "ms", "share", "limited by");
        var all = profile.Kernels.Sum(kernel => kernel.Milliseconds);
        foreach (var kernel in profile.Kernels.Take(MostKernels))
            table.AddRow(kernel.Kernel.Name, $"{kernel.Launches.Count}", Number(kernel.Milliseconds), Percent(kernel.Milliseconds / all),
                NameOf(kernel.Launches[0].Prediction.Limit));
        if (profile.Kernels.Count > MostKernels)
        {
            var rest = profile.Kernels.Skip(MostKernels).ToArray();
            table.AddRow($"{rest.Length} more", $"{rest.Sum(kernel => kernel.Launches.Count)}",
                Number(rest.Sum(kernel => kernel.Milliseconds)),
                Percent(rest.Sum(kernel => kernel.Milliseconds) / all), "");
        }
        terminal.WriteTable(table, 4);
        if (profile.Kernels.Any(kernel => kernel.Launches.Any(launch => launch.Launch.DependsOnValues)))
            terminal.Note("kernels that read from memory how much to do, such as an optimizer's, are counted as if they read zeros: "
                + "too cheap; profile them by name");
        terminal.Results.WriteLine();
        terminal.Results.WriteLine("The dearest launch of the dearest kernel:");
        Write(profile.Dearest, terminal);
    }

    /// <summary>Writes the profile of a kernel.</summary>
    public static void Write(KernelProfile profile, Terminal terminal)
    {
        var launch = profile.Launch;
        terminal.Results.WriteLine($"{profile.Kernel.Name} on {profile.Gpu}: {profile.Work}");
        var counted = launch.IsSampled ? $"; counted by executing {launch.ExecutedGroups} of them" : "";
        terminal.Results.WriteLine($"{launch.Grid.Size} groups of {launch.GroupSize.Size} threads{counted}");
        terminal.Results.WriteLine();
        terminal.WriteTable(Figures(profile));
        if (!profile.HasLines)
        {
            terminal.Note("no lines of C#: the symbols (Convolve.Engine.pdb) are not beside Convolve.Engine.dll");
            return;
        }
        terminal.Results.WriteLine();
        terminal.Results.WriteLine("The lines of C# in src/Engine, each with its share of the instructions, of the");
        terminal.Results.WriteLine("wavefronts of shared memory, and of the sectors of global memory. Inlined code");
        terminal.Results.WriteLine("counts where it is written, not where it is called. \"Scattered\": neighbouring");
        terminal.Results.WriteLine("threads do not use neighbouring, aligned bytes.");
        terminal.Results.WriteLine();
        terminal.WriteTable(Lines(profile));
    }

    private static Table Figures(KernelProfile profile)
    {
        var (counts, prediction) = (profile.Counts, profile.Prediction);
        var table = NewTable("figure", "value", "what it means");
        Row("predicted time", Time(prediction.Microseconds / 1000), $"limited by {Describe(prediction.Limit)}");
        var others = prediction.Bounds.OrderByDescending(bound => bound.Value).Skip(1).Take(2).Where(bound => bound.Value > 0)
            .Select(bound => $"{NameOf(bound.Key)} {Time(bound.Value / 1000)}");
        Row($"  {NameOf(prediction.Limit)} alone", Time(prediction.Bounds[prediction.Limit] / 1000),
            $"if nothing else took time; the next limits: {string.Join(", ", others)}; limits of similar size slow each other down");
        Row("instructions", Count(profile.Instructions.Values.Sum()), "machine instructions, each for the 32 threads of a warp");
        Row("  by class", "", string.Join(", ", Shares(profile.Instructions)));
        Row("  per multiply-add", profile.InstructionsPerMultiplyAdd is { } ratio ? Number(ratio) : "–",
            profile.InstructionsPerMultiplyAdd switch
            {
                null => "the kernel has no multiply-adds",
                < 1 => "below 1: tensor cores do many multiply-adds in one instruction",
                < 2 => "1 is ideal; the rest is addresses, loads and loops",
                _ => "1 is ideal; here most instructions are not multiply-adds",
            });
        if (counts.SharedWavefronts > 0)
            Row("shared wavefronts", Count(counts.SharedWavefronts), counts.SharedWavefronts == profile.MinimalWavefronts
                ? "passes through shared memory; the least possible: no bank conflicts"
                : $"passes through shared memory; {Count(profile.MinimalWavefronts)} without bank conflicts, which are marked below");
        if (profile.SectorsPerRequest is { } sectors)
        {
            Row("sectors per request", Number(sectors), counts.GlobalSectors == profile.MinimalSectors
                ? "pieces of 32 bytes for a load or store of a warp; the least possible"
                : "pieces of 32 bytes for a load or store of a warp; "
                    + $"{Number(sectors * profile.MinimalSectors / counts.GlobalSectors)} would do, see below");
            Row("global memory", $"{Bytes(profile.GlobalBytes)}",
                $"loaded and stored by threads, in {Bytes(counts.GlobalSectors * 32)} of sectors");
        }
        var occupancy = prediction.Occupancy;
        Row("occupancy", Percent(occupancy.Share),
            $"{occupancy.Groups} groups on a multiprocessor at once, limited by {occupancy.LimitedBy}; "
            + (occupancy.Share >= 0.5 ? "enough to work on while others wait" : "few: each thread should have independent work"));
        Row("registers", $"{prediction.Registers.Count}", $"of a thread, at most {prediction.Registers.Limit}");
        Row("spilled bytes", $"{prediction.Registers.SpilledBytes}",
            prediction.Registers.SpilledBytes == 0
                ? "good: everything fits into registers"
                : "bad: these values go through memory again and again");
        Row("sanitizer", profile.Findings.Count == 0 ? "clean" : $"{profile.Findings.Count} found",
            profile.Findings.Count == 0 ? "no race, no bad or uninitialized access at a small size" : string.Join("; ", profile.Findings));
        return table;

        void Row(string name, string value, string meaning) => table.AddRow(new Text(name), new Text(value), new Text(meaning));
    }

    private static Table Lines(KernelProfile profile)
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var header in new[] { "instr.", "shared", "global", "line" })
            table.AddColumn(new TableColumn(header).RightAligned().NoWrap());
        table.AddColumn(new TableColumn("C#"));
        var (instructions, wavefronts, sectors) =
            ((double)profile.Lines.Sum(line => line.Instructions), profile.Counts.SharedWavefronts, profile.Counts.GlobalSectors);
        var shown = profile.Lines.Where(line => line.Line is not null && Largest(line) >= SmallestShare).ToArray();
        foreach (var file in shown.GroupBy(line => line.Line!.File).OrderByDescending(file => file.Sum(line => line.Instructions)))
        {
            AddText(file.Key.StartsWith(Engine, StringComparison.Ordinal) ? file.Key[Engine.Length..] : file.Key);
            foreach (var line in file.OrderBy(line => line.Line!.Number))
            {
                table.AddRow(new Text(Share(line.Instructions / instructions)), new Text(Share(Of(line.Wavefronts, wavefronts))),
                    new Text(Share(Of(line.Sectors, sectors))), new Text($"{line.Line!.Number}"),
                    new Text($"  {line.Text ?? "(no source)"}"));
                foreach (var remark in Remarks(line)) AddText($"    ^ {remark}");
            }
        }
        LineCost[] rest = [.. profile.Lines.Except(shown)];
        if (rest.Length > 0)
            table.AddRow(new Text(Share(rest.Sum(line => line.Instructions) / instructions)),
                new Text(Share(Of(rest.Sum(line => line.Wavefronts), wavefronts))),
                new Text(Share(Of(rest.Sum(line => line.Sectors), sectors))), new Text(""),
                new Text("lines below 1 %, and instructions of no line such as the loads of arguments"));
        return table;

        void AddText(string text) => table.AddRow(new Text(""), new Text(""), new Text(""), new Text(""), new Text(text));

        double Largest(LineCost line) =>
            Math.Max(line.Instructions / instructions, Math.Max(Of(line.Wavefronts, wavefronts), Of(line.Sectors, sectors)));

        static double Of(long part, long all) => all == 0 ? 0 : (double)part / all;

        static string Share(double share) => share < 0.0005 ? "" : Percent(share);
    }

    /// <summary>Accesses of a line that cost more than they must, those of one kind together.</summary>
    private static IEnumerable<string> Remarks(LineCost line)
    {
        foreach (var alike in line.Accesses.GroupBy(access => access.Instruction.Operation))
        {
            var what = alike.Key switch { "ld" or "ldmatrix" => "loads", "st" => "stores", "cp" => "copies", _ => "atomic updates" };
            var conflicting = alike.Where(access => access.Wavefronts > access.MinimalWavefronts).ToArray();
            if (conflicting.Length > 0)
            {
                double requests = conflicting.Sum(access => access.Requests), least = conflicting.Sum(access => access.MinimalWavefronts);
                var wavefronts = conflicting.Sum(access => access.Wavefronts);
                yield return $"{Number(wavefronts / least)}-way bank conflict: {what} take {Number(wavefronts / requests)} wavefronts, "
                    + $"not {Number(least / requests)}";
            }
            var scattered = alike.Where(access => access.Sectors > access.MinimalSectors).ToArray();
            if (scattered.Length > 0)
            {
                double requests = scattered.Sum(access => access.Requests), least = scattered.Sum(access => access.MinimalSectors);
                var sectors = scattered.Sum(access => access.Sectors);
                yield return $"scattered: {what} move {Number(sectors / requests)} sectors, not {Number(least / requests)}";
            }
        }
    }

    private static IEnumerable<string> Shares(IReadOnlyDictionary<InstructionClass, long> counts)
    {
        var all = (double)counts.Values.Sum();
        return counts.OrderByDescending(count => count.Value).Where(count => count.Value / all >= 0.005)
            .Select(count => $"{NameOf(count.Key)} {Percent(count.Value / all)}");
    }

    private static string NameOf(InstructionClass kind) => kind switch
    {
        InstructionClass.Float => "float arithmetic",
        InstructionClass.Integer => "integers and addresses",
        InstructionClass.SpecialFunction => "roots and exponentials",
        InstructionClass.Conversion => "conversions",
        InstructionClass.Move => "copies",
        InstructionClass.Global => "global memory",
        InstructionClass.Shared => "shared memory",
        InstructionClass.Local => "local memory",
        InstructionClass.Parameter => "arguments",
        InstructionClass.Tensor => "tensor cores",
        InstructionClass.Control => "branches and barriers",
        _ => "between lanes",
    };

    private static string NameOf(Bound bound) => bound switch
    {
        Bound.Issue => "issue slots",
        Bound.FloatPipe => "float units",
        Bound.IntegerPipe => "integer units",
        Bound.SpecialPipe => "special functions",
        Bound.TensorPipe => "tensor cores",
        Bound.SharedMemory => "shared memory",
        Bound.L2Cache => "L2 cache",
        Bound.Dram => "memory",
        _ => "latency",
    };

    private static string Describe(Bound bound) => bound switch
    {
        Bound.Issue => "issue slots: each scheduler begins one instruction a clock, so fewer instructions would be faster",
        Bound.FloatPipe => "the float units: good, arithmetic is what the kernel is for",
        Bound.IntegerPipe => "the integer units: too much arithmetic of addresses and bounds",
        Bound.SpecialPipe => "the units for roots, exponentials and conversions",
        Bound.TensorPipe => "the tensor cores: good, they are what the kernel is for",
        Bound.SharedMemory => "shared memory: fewer or wider accesses, and no bank conflicts, would be faster",
        Bound.L2Cache => "the bandwidth of the L2 cache: fewer or fuller sectors would be faster",
        Bound.Dram => "the bandwidth of the GPU's memory: good for a kernel with little arithmetic, each byte once",
        _ => "latency: too few warps, or too little independent work in each, to wait for memory meanwhile",
    };

    private static Table NewTable(params ReadOnlySpan<string> headers)
    {
        var table = new Table().Border(TableBorder.Simple);
        for (var i = 0; i < headers.Length; i++)
        {
            var column = new TableColumn(headers[i]);
            if (i == 0 || headers[i] is "value" or "launches" or "ms" or "share") column.NoWrap();
            if (headers[i] is "value" or "launches" or "ms" or "share") column.RightAligned();
            table.AddColumn(column);
        }
        return table;
    }

    private static string Time(double milliseconds) =>
        milliseconds >= 1 ? $"{Number(milliseconds)} ms" : $"{(milliseconds * 1000).ToString("0.0", CultureInfo.InvariantCulture)} µs";

    private static string Count(long count) => count switch
    {
        >= 10_000_000_000 => $"{Number(count * 1e-9)}e9",
        >= 10_000_000 => $"{Number(count * 1e-6)}e6",
        _ => count.ToString("N0", CultureInfo.InvariantCulture),
    };

    private static string Bytes(long bytes) => bytes >= 10_000_000 ? $"{Number(bytes * 1e-6)} MB" : $"{Number(bytes * 1e-3)} kB";

    private static string Number(double value) =>
        value.ToString(value >= 100 ? "0" : value >= 10 ? "0.0" : "0.00", CultureInfo.InvariantCulture);

    private static string Percent(double share) =>
        $"{(share * 100).ToString(share < 0.0995 ? "0.0" : "0", CultureInfo.InvariantCulture)} %";
}
