using System.Globalization;
using Convolve.Engine.Tracing;
using Convolve.Pneumonia.Files;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Devices;

/// <summary>The file of <c>--trace</c>, written when the command ends, however it ends.</summary>
internal static class TraceFile
{
    /// <summary>Runs a command and records it, if a file is asked for.</summary>
    /// <param name="path">The file; null to record nothing.</param>
    /// <param name="command">The command's name.</param>
    /// <param name="terminal">Where to say what was written.</param>
    /// <param name="work">The command; its device is closed when it returns.</param>
    /// <returns>The exit code of the command.</returns>
    /// <exception cref="UserError">The file cannot be written; the command has not run, unless the reason arose meanwhile.</exception>
    public static async Task<int> RecordAsync(string? path, string command, Terminal terminal, Func<ExecutionTrace?, Task<int>> work)
    {
        if (path is null) return await work(null);
        RequireWritable(path);
        var trace = new ExecutionTrace();
        int code;
        try
        {
            code = await work(trace);
        }
        catch
        {
            // A command that never came to compute leaves one line and no file.
            if (trace.Launches == 0) throw;
            try
            {
                Write(path, command, trace, terminal);
            }
            catch (UserError e)
            {
                terminal.Warn(e.Message);
            }
            throw;
        }
        Write(path, command, trace, terminal);
        return code;
    }

    private static void Write(string path, string command, ExecutionTrace trace, Terminal terminal)
    {
        OutputFile.Write(path, $"--trace {path}", stream => TraceEventFile.Write(trace, $"convolve {command}", stream));
        var events = trace.Kept == trace.Recorded
            ? $"{Number(trace.Kept)} events"
            : $"the latest {Number(trace.Kept)} of {Number(trace.Recorded)} events";
        terminal.Note($"trace: {path}, {events}; open it in ui.perfetto.dev or chrome://tracing. "
            + $"Times of kernels and copies: {trace.Source}; all others: the host's clock");
    }

    /// <exception cref="UserError">The file cannot be written there.</exception>
    private static void RequireWritable(string path)
    {
        if (Directory.Exists(path)) throw new UserError($"--trace {path}: is a folder; name a file in it");
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder))
            throw new UserError($"--trace {path}: the folder {folder} is not there; make it, or name a file elsewhere");
        OutputFile.RequireWritable(folder, $"--trace {path}");
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
