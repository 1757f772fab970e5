namespace Convolve.Engine.Devices;

/// <summary>A device is missing, fails its self-test or cannot hold what it is asked to hold. The message is one line for the user.</summary>
public sealed class DeviceException(string message, Exception? inner = null) : Exception(message, inner);
