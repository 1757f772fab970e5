using Convolve.Engine;
using Convolve.Engine.Tensors;
using Convolve.Layers;
using Convolve.Layers.Networks;
using Convolve.Layers.Optimizers;
using Convolve.Layers.Training;
using OwnNetwork;

using var catalogue = new DeviceCatalogue();
using var device = catalogue.Open(catalogue.Choose().Device);
using var network = new Sequential(new Shape(Shapes.Pixels, Shapes.Pixels, 1),
    new Conv2D(8, kernel: 3) { Activation = ActivationFunction.Relu },
    new MaxPooling2D(),
    new Conv2D(16, kernel: 3) { Activation = ActivationFunction.Relu },
    new GlobalAveragePooling2D(),
    new Dense(1)).Initialize(device, seed: 1);
Console.WriteLine($"{network.ParameterCount} parameters on {device.Description}");

var options = new TrainingOptions { Epochs = 12, BatchSize = 20, Seed = 1 };
using var optimizer = new Adam { LearningRate = 1e-2f };
using var trainer = new Trainer(network, optimizer, options);
trainer.Fit(Shapes.Draw(600, seed: 1), Shapes.Draw(200, seed: 2), []);
foreach (var epoch in trainer.History)
    Console.WriteLine($"epoch {epoch.Epoch,2}: loss {epoch.TrainLoss:0.000}, validation {epoch.ValidationLoss:0.000}, right "
        + $"{epoch.ValidationAccuracy:P1}");

var test = Predictor.Run(network, Shapes.Draw(500, seed: 3), options);
Console.WriteLine($"on 500 new images: {test.Accuracy:P1} right");
if (test.Accuracy < 0.95) throw new InvalidOperationException("the network learned too little");
