using BenchmarkDotNet.Running;
using Convolve.Benchmarks;

// `worker` answers timing requests on standard input, `start` is what StartSuite times, `rungs` prints a table of the textbook,
// `trace` what recording one costs, `predict` writes the tables of docs/prediction.md. Anything else goes to BenchmarkDotNet:
// `-- --filter '*'`.
if (args is ["worker", ..]) Worker.Run(Console.In, Console.Out);
else if (args is ["start", var until]) StartSuite.Work(until);
else if (args is ["rungs", var operation]) return RungTable.Print(operation, Console.Out);
else if (args is ["trace"]) TraceCost.Print(Console.Out);
else if (args is ["predict", var page]) return PredictionTable.Write(page, "");
else if (args is ["predict", "--only", var part]) return PredictionTable.Write(null, part);
else if (args is ["predict"]) return PredictionTable.Write(null, "");
else BenchmarkSwitcher.FromAssembly(typeof(Worker).Assembly).Run(args);
return 0;
