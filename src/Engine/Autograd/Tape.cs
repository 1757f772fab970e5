using Convolve.Engine.Devices;
using Convolve.Engine.Tensors;
using Convolve.Engine.Tracing;

namespace Convolve.Engine.Autograd;

/// <summary>
/// Records operations as they run and replays them in reverse. It owns every tensor that an operation creates on it, and frees each as soon
/// as nothing will read it again; disposing the tape frees the rest.
/// </summary>
/// <remarks>
/// A tensor's gradient is the sum over all its uses. The first contribution overwrites a fresh buffer, later ones are added. A branch that
/// no gradient reaches, and a tensor that requires none, cost nothing. Each thread uses a tape of its own; a backward pass locks the
/// device, so contributions of several threads to one gradient add up.
/// </remarks>
public sealed class Tape : IDisposable
{
    private readonly List<Node> nodes = [];
    private readonly HashSet<Tensor> owned = [];
    private readonly HashSet<Tensor> kept = [];

    /// <summary>Creates an empty tape.</summary>
    /// <param name="device">The device of its tensors.</param>
    /// <param name="recording">False for inference: operations run, nothing is saved for a backward pass.</param>
    public Tape(Device device, bool recording = true)
    {
        Device = device;
        Recording = recording;
    }

    /// <summary>The device of this tape's tensors.</summary>
    public Device Device { get; }

    /// <summary>Whether operations are recorded for a backward pass.</summary>
    public bool Recording { get; }

    /// <summary>Operations recorded so far, in order.</summary>
    public IEnumerable<string> Operations => nodes.Select(n => n.Operation);

    /// <summary>A new tensor that this tape owns, with unspecified content.</summary>
    public Tensor NewTensor(Shape shape) => Own(Tensor.Uninitialized(Device, shape));

    /// <summary>Transfers a tensor to this tape, which will free it.</summary>
    internal Tensor Own(Tensor tensor)
    {
        tensor.IsOfTape = true;
        lock (Device.Gate) owned.Add(tensor);
        return tensor;
    }

    /// <summary>Keeps a tensor of this tape readable until the tape is disposed.</summary>
    public Tensor Keep(Tensor tensor)
    {
        lock (Device.Gate) kept.Add(tensor);
        return tensor;
    }

    /// <summary>
    /// Declares that no further operation will read a tensor: if this tape owns it and no backward pass needs it, its memory is freed.
    /// </summary>
    public void Release(Tensor tensor)
    {
        lock (Device.Gate)
            if (!kept.Contains(tensor) && owned.Remove(tensor)) tensor.Dispose();
    }

    /// <summary>Whether an operation on these inputs must be recorded.</summary>
    public bool Records(params ReadOnlySpan<Tensor?> inputs)
    {
        if (!Recording) return false;
        foreach (var input in inputs)
            if (input is { RequiresGradient: true }) return true;
        return false;
    }

    /// <summary>Records an operation.</summary>
    /// <param name="operation">Its name, for messages.</param>
    /// <param name="output">Its output, which requires a gradient from now on.</param>
    /// <param name="saved">Tensors that <paramref name="backward"/> will read.</param>
    /// <param name="backward">Adds to the gradients of the inputs, given the upstream gradient, which it may overwrite.</param>
    public void Record(string operation, Tensor output, Tensor[] saved, Action<Tensor> backward)
    {
        lock (Device.Gate)
        {
            foreach (var tensor in saved) tensor.Retain();
            output.RequiresGradient = true;
            nodes.Add(new Node(operation, output, saved, backward));
        }
    }

    /// <summary>
    /// The buffer for contributions to a tensor's gradient. If <paramref name="accumulate"/> is false, it is fresh and must be overwritten;
    /// else it must be added to.
    /// </summary>
    public Tensor GradientOf(Tensor tensor, out bool accumulate)
    {
        accumulate = tensor.Gradient is not null;
        return tensor.Gradient ??= tensor.GradientMemory ?? Tensor.Uninitialized(Device, tensor.Shape);
    }

    /// <summary>
    /// <see cref="GradientOf"/> for an operation whose gradient at an element depends only on the upstream gradient at that element: the
    /// first contribution overwrites the upstream gradient, which nothing else will read.
    /// </summary>
    internal Tensor GradientOver(Tensor upstream, Tensor tensor, out bool accumulate)
    {
        accumulate = tensor.Gradient is not null;
        return tensor.Gradient ??= tensor.GradientMemory ?? upstream.Reshape(tensor.Shape);
    }

    /// <summary>Adds a finished contribution to a tensor's gradient, and takes ownership of the contribution.</summary>
    internal void AddGradient(Tensor tensor, Tensor contribution)
    {
        if (tensor is { Gradient: null, GradientMemory: null })
        {
            tensor.Gradient = contribution;
            return;
        }
        if (tensor.Gradient is null) (tensor.Gradient = tensor.GradientMemory!).CopyFrom(contribution);
        else tensor.Gradient.Accumulate(contribution);
        contribution.Dispose();
    }

    /// <summary>
    /// Computes the gradients of a scalar with respect to everything that requires one. Afterwards the tape is empty; leaf tensors
    /// (parameters, inputs) have their gradients.
    /// </summary>
    /// <param name="output">The tensor to differentiate.</param>
    /// <param name="upstream">The gradient with respect to it; ones by default, for which it must be a scalar.</param>
    /// <exception cref="ArgumentException">No upstream gradient for a tensor of more than one element, or one of another shape.</exception>
    /// <exception cref="InvalidOperationException">
    /// The output does not depend on anything that requires a gradient, or no operation on this tape created it: a tape is replayed once.
    /// </exception>
    public void Backward(Tensor output, Tensor? upstream = null)
    {
        if (!output.RequiresGradient)
            throw new InvalidOperationException($"backward: {output} does not depend on any tensor that requires a gradient");
        if (upstream is null && output.Shape.Length != 1)
            throw new ArgumentException($"backward: {output} is no scalar; give the gradient with respect to it");
        if (upstream is not null && upstream.Shape != output.Shape)
            throw new ArgumentException($"backward: the gradient {upstream.Shape} does not have the shape of the output {output.Shape}");
        lock (Device.Gate) Play(output, upstream);
    }

    private void Play(Tensor output, Tensor? upstream)
    {
        if (output.IsOfTape && !nodes.Exists(node => ReferenceEquals(node.Output, output)))
            throw new InvalidOperationException(
                $"backward: no operation on this tape created {output}. A tape is empty after a backward pass: for a second one, "
                + "run the forward pass again on the same tape");
        AddGradient(output, upstream is null ? Tensor.Filled(Device, output.Shape, 1) : upstream.Copy());
        for (var i = nodes.Count - 1; i >= 0; i--)
        {
            var node = nodes[i];
            if (node.Output.Gradient is { } gradient)
            {
                node.Backward(gradient);
                node.Output.ClearGradient();
            }
            // Only now: if the step throws, disposing the tape frees the node's tensors.
            nodes.RemoveAt(i);
            foreach (var tensor in node.Saved) tensor.Release();
            Release(node.Output);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (Device.Gate)
        {
            foreach (var node in nodes)
            {
                foreach (var tensor in node.Saved) tensor.Release();
                node.Output.ClearGradient();
            }
            nodes.Clear();
            foreach (var tensor in owned) tensor.Dispose();
            owned.Clear();
            kept.Clear();
        }
    }

    private sealed class Node(string operation, Tensor output, Tensor[] saved, Action<Tensor> backward)
    {
        // In a trace, the backward step belongs to the layer that recorded the operation.
        private readonly LayerPass layer = ExecutionTrace.Current;

        public string Operation => operation;

        public Tensor Output => output;

        public Tensor[] Saved => saved;

        public void Backward(Tensor upstream)
        {
            using var span = output.Device.Trace?.Backward(layer);
            backward(upstream);
        }
    }
}
