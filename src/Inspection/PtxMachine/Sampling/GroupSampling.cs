using Convolve.Inspection.PtxMachine.Counting;
using Convolve.Inspection.PtxMachine.Execution;

namespace Convolve.Inspection.PtxMachine.Sampling;

/// <summary>
/// Counts a launch by a few of its groups. Along each axis of the grid it takes the first group, the last and one in the middle; where two
/// of them differ it halves the way between, so that places are found at which the groups change, such as the last row of tiles or the
/// groups of a loop over the grid that take one turn more. Every group stands for the alike ones around it; where groups keep changing, as
/// tiles do that cross the edges of images, the ones in between are taken to lie evenly between their neighbours.
/// </summary>
/// <remarks>Exact where groups are alike from one change to the next, and the changes along one axis do not depend on the others.</remarks>
internal sealed class GroupSampling(Launch launch, ThreadGroup group)
{
    /// <summary>The most groups that are executed along one axis, and where there is only one axis.</summary>
    private const int MostOfAxis = 6, MostOfLine = 16;

    private readonly Dictionary<Extent, LaunchCounters> executed = [];

    /// <summary>Groups that were executed.</summary>
    public int Executed => executed.Count;

    /// <summary>The counts of the whole grid.</summary>
    public LaunchCounters Run()
    {
        var grid = launch.Grid;
        var middle = new Extent(grid.X / 2, grid.Y / 2, grid.Z / 2);
        var most = grid.Y == 1 && grid.Z == 1 ? MostOfLine : MostOfAxis;
        var x = Representatives(grid.X, most, i => middle with { X = i });
        var y = Representatives(grid.Y, most, i => middle with { Y = i });
        var z = Representatives(grid.Z, most, i => middle with { Z = i });
        var sum = launch.NewCounters();
        foreach (var (placeX, weightX) in x)
            foreach (var (placeY, weightY) in y)
                foreach (var (placeZ, weightZ) in z)
                    sum.Add(Execute(new Extent(placeX, placeY, placeZ)), weightX * weightY * weightZ);
        return sum;
    }

    /// <summary>Places along an axis, each with the number of places that it stands for.</summary>
    private List<(int Place, long Weight)> Representatives(int length, int most, Func<int, Extent> at)
    {
        var places = new SortedSet<int> { 0, length / 2, length - 1 };
        while (places.Count < most)
        {
            var gap = places.Zip(places.Skip(1))
                .Where(pair => pair.Second - pair.First > 1 && !Execute(at(pair.First)).Equals(Execute(at(pair.Second))))
                .OrderByDescending(pair => pair.Second - pair.First).FirstOrDefault();
            if (gap == default) break;
            places.Add((gap.First + gap.Second) / 2);
        }
        var weights = places.ToDictionary(place => place, _ => 1L);
        foreach (var (first, second) in places.Zip(places.Skip(1)))
        {
            var between = second - first - 1;
            weights[first] += between / 2;
            weights[second] += between - between / 2;
        }
        // Alike ones count as one.
        return [.. places.GroupBy(place => Execute(at(place)), (_, alike) => alike.ToArray()).Select(alike =>
            (alike.Contains(length / 2) ? length / 2 : alike[0], alike.Sum(place => weights[place])))];
    }

    private LaunchCounters Execute(Extent place)
    {
        if (executed.TryGetValue(place, out var known)) return known;
        launch.Counters = launch.NewCounters();
        launch.Run(group, place);
        executed.Add(place, launch.Counters);
        return launch.Counters;
    }
}
