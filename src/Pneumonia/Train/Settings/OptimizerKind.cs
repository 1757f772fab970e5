namespace Convolve.Pneumonia.Train;

/// <summary>How weights are updated.</summary>
public enum OptimizerKind { RmsProp, Sgd, Adam }
