Console.WriteLine("Convolve");
