using BenchmarkDotNet.Running;
using Convolve.Benchmarks;

// `worker` answers timing requests on standard input; anything else goes to BenchmarkDotNet: `-- --filter '*'`.
if (args is ["worker", ..]) Worker.Run(Console.In, Console.Out);
else BenchmarkSwitcher.FromAssembly(typeof(Worker).Assembly).Run(args);
