namespace Convolve.Engine.Kernels;

/// <summary>
/// A kernel that shares its work out itself, by <c>Grid</c> and <c>Group</c>. Every launch is one of these: the loops around the other
/// kinds of kernels (<see cref="Items{TShape,TKernel}"/>, <see cref="Elements{TShape,TKernel}"/>, <see cref="Pixels{TShape,TKernel}"/>,
/// <see cref="Workers{TKernel}"/>) are group kernels, too.
/// </summary>
internal interface IGroupKernel
{
    /// <summary>The work of one thread.</summary>
    void Run();
}

/// <summary>Groups along three directions, and the threads of each, along two.</summary>
internal readonly record struct GroupGrid(int X, int Y = 1, int Z = 1, int Threads = 1, int ThreadsY = 1);
