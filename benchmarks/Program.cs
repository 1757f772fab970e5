using BenchmarkDotNet.Running;
using Convolve.Benchmarks;

// `worker` answers timing requests on standard input, `start` is what StartSuite times; anything else goes to BenchmarkDotNet: `-- --filter '*'`.
if (args is ["worker", ..]) Worker.Run(Console.In, Console.Out);
else if (args is ["start", var until]) StartSuite.Work(until);
else BenchmarkSwitcher.FromAssembly(typeof(Worker).Assembly).Run(args);
