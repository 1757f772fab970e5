using Convolve.Engine;
using Convolve.Engine.Autograd;
using Convolve.Engine.Tensors;
using Convolve.Engine.Trials;
using OwnKernel;

using var catalogue = new DeviceCatalogue();
using var device = catalogue.Open(catalogue.Choose().Device);
Console.WriteLine(device.Description);

// Run it.
using var three = Tensor.FromValues(device, new Shape(3), [-1, 0, 2]);
using (var tape = new Tape(device))
    Console.WriteLine(string.Join("  ", Swish.Apply(tape, three).ToArray()));

// Check it: values and gradients against the definition.
var random = new Random(1);
using var input = Tensor.FromValues(device, new Shape(4, 25), [.. Enumerable.Range(0, 100).Select(_ => random.NextSingle() * 8 - 4)]);
foreach (var agreement in OperationCheck.Run((tape, x) => Swish.Apply(tape, x[0]), x => Swish.Definition(x[0]), input))
{
    Console.WriteLine(agreement);
    if (!(agreement.Error < 1e-5)) throw new InvalidOperationException("swish is wrong");
}

// Time it: four bytes read and four written for each element.
using var large = Tensor.Filled(device, new Shape(16 * 1024 * 1024), 0.5f);
using var result = Tensor.Uninitialized(device, large.Shape);
var milliseconds = device.Milliseconds(() =>
    device.Launch(large.Shape.Length, new SwishForward { Input = large.Values, Output = result.Values }));
Console.WriteLine($"{milliseconds:0.0} ms, {8.0 * large.Shape.Length / milliseconds / 1e6:0.0} GB/s");
