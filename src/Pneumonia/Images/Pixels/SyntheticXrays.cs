using Convolve.Engine.Randomness;
using Convolve.Engine.Tracing;

namespace Convolve.Pneumonia.Images;

/// <summary>Where a phantom's opacity lies, in fractions of the image's width and height from the top left.</summary>
/// <param name="X">Centre.</param>
/// <param name="Y">Centre.</param>
/// <param name="RadiusX">Where it has faded to 1/e of its middle, sideways.</param>
/// <param name="RadiusY">The same, up and down.</param>
public readonly record struct Opacity(double X, double Y, double RadiusX, double RadiusY)
{
    /// <summary>Whether a place of the image lies within the radii.</summary>
    /// <param name="x">In fractions of the width, from the left.</param>
    /// <param name="y">In fractions of the height, from the top.</param>
    public bool Contains(double x, double y)
    {
        double across = (x - X) / RadiusX, down = (y - Y) / RadiusY;
        return across * across + down * down <= 1;
    }
}

/// <summary>
/// Made-up chest X-rays to try everything without data: a thorax with lungs, ribs, collar bones, spine, heart and diaphragm, in varying
/// build, position, exposure and noise. PNEUMONIA has one to three soft, patchy opacities within the lungs, NORMAL has none. Exposure
/// varies more than an opacity changes the mean, so brightness alone does not tell the classes apart. They show that a network learns, and
/// nothing about medicine.
/// </summary>
/// <remarks>An image is a pure function of (seed, part, index, size): no thread, order or count changes it.</remarks>
public sealed class SyntheticXrays
{
    // Streams of random numbers that must not share counters.
    private const ulong AnatomyStream = 0, OpacityStream = 1, NoiseStream = 2, StreamsPerImage = 4;

    private readonly int seed;
    private readonly ImagePart part;

    public SyntheticXrays(int seed, ImagePart part)
    {
        this.seed = seed;
        this.part = part;
    }

    /// <summary>Names of the classes, in the order of their indices.</summary>
    public static IReadOnlyList<string> Classes { get; } = [ImageFolder.Normal, ImageFolder.Pneumonia];

    /// <summary>The images of a run, half of each part with pneumonia; none is drawn yet.</summary>
    /// <param name="counts">How many images each part has.</param>
    public static ImageSet Set((int Train, int Val, int Test) counts) =>
        new("synthetic", Classes,
            [.. Files(ImagePart.Train, counts.Train), .. Files(ImagePart.Val, counts.Val), .. Files(ImagePart.Test, counts.Test)],
            HasParts: true,
            [
                "synthetic images: drawn by the program, they show that a network learns, and nothing about medicine; "
                + "give --data DIR for real ones",
            ])
        {
            Split = "synthetic",
        };

    /// <summary>Starts to draw the images of one part; half of them show pneumonia.</summary>
    /// <param name="seed">Seed of the run.</param>
    /// <param name="part">Each part has its own images.</param>
    /// <param name="count">Number of images.</param>
    /// <param name="preprocessing">Their size and channels, which are equal, and how they are normalized.</param>
    /// <param name="classes">The classes in the order of the model's outputs; by default <see cref="Classes"/>.</param>
    /// <param name="order">The order to draw in; by default that of the indices.</param>
    /// <param name="cancellation">Stops the drawing.</param>
    /// <param name="trace">Records the drawing; null for nothing.</param>
    public static ImageStore Store(int seed, ImagePart part, int count, ImagePreprocessing preprocessing,
        IReadOnlyList<string>? classes = null, IReadOnlyList<int>? order = null, CancellationToken cancellation = default,
        ExecutionTrace? trace = null)
    {
        var phantoms = new SyntheticXrays(seed, part);
        return new ImageStore([.. Files(part, count)], classes ?? Classes, preprocessing, Fill, order, cancellation: cancellation);

        void Fill(int index, Span<byte> target)
        {
            using var span = trace?.Phase("draw image");
            var gray = phantoms.Draw(index, preprocessing.Pixels);
            for (var i = 0; i < gray.Length; i++) target.Slice(i * preprocessing.Channels, preprocessing.Channels).Fill(gray[i]);
        }
    }

    private static IEnumerable<ImageFile> Files(ImagePart part, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var name = $"synthetic/{PartName.Of(part)}/{Classes[ClassIndex(i)]}/{i:D5}";
            yield return new ImageFile(name, name, Classes[ClassIndex(i)], name, part);
        }
    }

    /// <summary>0 for NORMAL, 1 for PNEUMONIA: they alternate.</summary>
    public static int ClassIndex(int index) => index & 1;

    /// <summary>Where the opacities of an image are; none in a NORMAL one.</summary>
    public IReadOnlyList<Opacity> Opacities(int index)
    {
        var body = new Anatomy(Stream(index, AnatomyStream));
        return [.. body.Blobs(ClassIndex(index), Stream(index, OpacityStream)).Select(blob => body.OnImage(blob))];
    }

    /// <summary>Draws image [pixels, pixels] in gray; bright is dense, as on film.</summary>
    public byte[] Draw(int index, int pixels)
    {
        var body = new Anatomy(Stream(index, AnatomyStream));
        var blobs = body.Blobs(ClassIndex(index), Stream(index, OpacityStream));
        var noise = Stream(index, NoiseStream);
        var gray = new byte[pixels * pixels];
        for (var y = 0; y < pixels; y++)
        {
            for (var x = 0; x < pixels; x++)
            {
                var density = body.Density((x + 0.5) / pixels, (y + 0.5) / pixels, blobs);
                // Sum of four uniforms: near enough to a normal distribution, deviation √⅓.
                var bits = noise.Bits((ulong)(y * pixels + x));
                var grain = ((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)) / 65536.0 - 2;
                density += grain * body.Grain;
                gray[y * pixels + x] = (byte)Math.Clamp(density * 255 + 0.5, 0, 255);
            }
        }
        return gray;
    }

    private RandomStream Stream(int index, ulong stream) =>
        new(seed, ((ulong)part << 40) + (ulong)index * StreamsPerImage + stream);

    private readonly record struct Blob(double X, double Y, double RadiusX, double RadiusY, double Strength);

    /// <summary>
    /// One person as one detector sees them. Body coordinates: (0, 0) is the middle of the chest, x grows to the image's right, y
    /// downwards, and the lungs reach about ±0.7 and −0.75 … 0.65.
    /// </summary>
    private sealed class Anatomy
    {
        private readonly RandomStream random;
        private readonly double centreX, centreY, scaleX, scaleY, tilt;
        private readonly double lungWidth, lungTop, diaphragmRight, diaphragmLeft, heartSize, heartShift;
        private readonly double ribCount, ribSlope, ribContrast, ribPhase, lungDensity, tissueDensity;
        private readonly double exposure, contrast, gamma, markings, shadowSide, flank;

        public Anatomy(RandomStream random)
        {
            this.random = random;
            ulong n = 0;
            double Next(double low, double high) => random.Uniform(n++, low, high);
            centreX = Next(0.46, 0.54);
            centreY = Next(0.46, 0.54);
            scaleX = Next(0.50, 0.62);
            scaleY = Next(0.50, 0.64);
            tilt = Next(-0.07, 0.07);
            lungWidth = Next(0.25, 0.30);
            lungTop = Next(-0.80, -0.70);
            diaphragmRight = Next(0.42, 0.60);
            diaphragmLeft = Next(0.48, 0.66);
            heartSize = Next(0.85, 1.15);
            heartShift = Next(-0.03, 0.04);
            ribCount = Next(8.5, 10.5);
            ribSlope = Next(0.35, 0.75);
            ribContrast = Next(0.09, 0.18);
            ribPhase = Next(0, 1);
            lungDensity = Next(0.20, 0.34);
            tissueDensity = Next(0.58, 0.72);
            exposure = Next(-0.08, 0.08);
            contrast = Next(0.85, 1.15);
            gamma = Next(0.85, 1.2);
            markings = Next(0.04, 0.10);
            shadowSide = Next(-0.08, 0.08);
            Grain = Next(0.01, 0.035);
            flank = 0.17 + 2 * lungWidth + Next(0.08, 0.22);
        }

        /// <summary>Strength of the detector's noise.</summary>
        public double Grain { get; }

        public Opacity OnImage(Blob blob)
        {
            double sin = Math.Sin(tilt), cos = Math.Cos(tilt);
            return new Opacity(centreX + (blob.X * cos - blob.Y * sin) * scaleX, centreY + (blob.X * sin + blob.Y * cos) * scaleY,
                blob.RadiusX * scaleX, blob.RadiusY * scaleY);
        }

        public Blob[] Blobs(int classIndex, RandomStream places)
        {
            if (classIndex == 0) return [];
            var blobs = new Blob[1 + places.Below(0, 3)];
            for (var b = 0; b < blobs.Length; b++)
            {
                var n = 1 + 8 * (ulong)b;
                double side = places.Uniform(n) < 0.5 ? -1 : 1;
                var floor = side < 0 ? diaphragmRight : diaphragmLeft;
                blobs[b] = new Blob(
                    side * places.Uniform(n + 1, 0.30, 0.50),
                    places.Uniform(n + 2, lungTop + 0.35, floor - 0.15),
                    places.Uniform(n + 3, 0.13, 0.26), places.Uniform(n + 4, 0.14, 0.30),
                    places.Uniform(n + 5, 0.24, 0.48));
            }
            return blobs;
        }

        /// <summary>Brightness at a place of the image (0 … 1 from the top left), before noise.</summary>
        public double Density(double u, double v, Blob[] blobs)
        {
            double sin = Math.Sin(tilt), cos = Math.Cos(tilt);
            double px = (u - centreX) / scaleX, py = (v - centreY) / scaleY;
            double x = px * cos + py * sin, y = py * cos - px * sin;

            // The trunk: shoulders wide at the top, flanks straight; air around it is black.
            var halfWidth = flank + 0.16 * Smooth((-0.45 - y) / 0.3);
            var shoulder = -0.98 + 0.25 * x * x;
            var neck = Inside(0.24 - Math.Abs(x), 0.05);
            var trunk = Inside(halfWidth - Math.Abs(x), 0.05) * Math.Max(Inside(y - shoulder, 0.05), neck);
            var density = 0.03 + (tissueDensity - 0.03) * trunk;

            // Lungs, each bounded by the rib cage outside, the heart inside and the diaphragm's dome below.
            var lung = Lung(x, y);
            density += (lungDensity - density) * 0.92 * lung * trunk;

            // Vessels: branching from the hila, fading outwards.
            if (lung > 0)
            {
                var hilum = Math.Exp(-(Square((Math.Abs(x) - 0.20) / 0.16) + Square((y - 0.02) / 0.26)));
                double outwards = Math.Abs(x) - 0.14, along = y - 0.02, far = Math.Sqrt(outwards * outwards + along * along) + 0.02;
                var angle = Math.Atan2(along, outwards) + (x < 0 ? 40 : 0);
                var vessels = Ridge(angle * 4, Math.Log(far) * 1.5, 10) * 0.6 + Ridge(angle * 7, Math.Log(far) * 3, 11) * 0.4;
                density += lung * (markings * (0.3 + 2.0 * hilum) * vessels * Smooth(far / 0.12) + 0.09 * hilum);
            }

            // Opacities: soft blobs with ragged, patchy edges, clipped by the lung.
            foreach (var blob in blobs)
            {
                double dx = (x - blob.X) / blob.RadiusX, dy = (y - blob.Y) / blob.RadiusY;
                var distance = dx * dx + dy * dy;
                if (distance > 9) continue;
                var ragged = 0.55 + 0.9 * Clouds(x * 7 + 13, y * 7 + 29, 12);
                density += (0.35 + 0.65 * lung) * blob.Strength * Math.Exp(-distance) * ragged;
            }

            // Spine and mediastinum, then the heart, larger to the patient's left, which is the image's right.
            var spine = Math.Exp(-Square(x / 0.10)) * (0.9 + 0.1 * Math.Sin(y * 26));
            var mediastinum = Inside(0.13 + 0.05 * Smooth((y + 0.2) / 0.4) - Math.Abs(x - 0.02), 0.04) * Inside(y + 0.95, 0.1);
            density += trunk * (0.10 * spine + (0.74 - density) * 0.55 * mediastinum);
            var heart = Inside(1 - (Square((x - 0.12 - heartShift - 0.35 * (y - 0.25)) / (0.31 * heartSize))
                + Square((y - 0.25) / (0.40 * heartSize))), 0.25);
            density += trunk * Math.Max(0, 0.76 - density) * 0.85 * heart;
            // Windpipe: a darker stripe in the upper middle.
            density -= 0.10 * Inside(0.045 - Math.Abs(x), 0.02) * Inside(-0.25 - y, 0.1) * trunk;

            // Below the diaphragm everything is dense.
            var floor = Floor(x);
            density += trunk * (0.80 - density) * 0.75 * Inside(y - floor, 0.03) * Inside(0.85 - Math.Abs(x), 0.06);

            // Bone adds less to what is dense already.
            density += trunk * (Ribs(x, y) + Collarbones(x, y)) * (1.15 - density);
            density += shadowSide * x;
            density += 0.05 * (Clouds(u * 3 + 5, v * 3 + 9, 13) - 0.5);

            density = Math.Clamp(density, 0, 1);
            return 0.48 + contrast * (Math.Pow(density, gamma) - 0.48) + exposure * trunk;
        }

        private double Floor(double x)
        {
            var side = x < 0 ? diaphragmRight : diaphragmLeft;
            return side + Square(Math.Abs(x) - 0.33) * (Math.Abs(x) > 0.33 ? 1.9 : 0.8);
        }

        private double Lung(double x, double y)
        {
            // Half width of one lung: narrow at the apex, widest low down.
            var down = Math.Clamp((y - lungTop) / (0.6 - lungTop), 0, 1);
            double outer = CageEdge(y), inner = 0.13 + 0.03 * down;
            var across = Math.Abs(x);
            return Inside(Math.Min(outer - across, across - inner), 0.035) * Inside(y - lungTop, 0.04) * Inside(Floor(x) - y, 0.03);
        }

        // Distance from the middle at which the lungs end sideways.
        private double CageEdge(double y)
        {
            var down = Math.Clamp((y - lungTop) / (0.6 - lungTop), 0, 1);
            return 0.17 + 2 * lungWidth * Math.Pow(down, 0.36);
        }

        // Ribs leave the spine, arch outwards and slope down; those behind are stronger than those in front, which cross them.
        private double Ribs(double x, double y)
        {
            var across = Math.Abs(x);
            if (across < 0.08 || across > 0.9) return 0;
            var edge = CageEdge(y) + 0.03;
            var cage = Inside(y - lungTop - 0.02, 0.08) * Inside(0.80 - y, 0.2) * Inside(edge - across, 0.03) * Inside(across - 0.10, 0.05);
            var back = Band((y - ribSlope * across * across - 0.06 * across) * ribCount * 0.62 + ribPhase, 0.34);
            var front = Band((y + 0.75 * across - 0.35 * across * across) * ribCount * 0.55 + 1.7 * ribPhase, 0.28);
            // Seen edge-on where they turn, the ribs draw the outline of the cage.
            var turn = Math.Exp(-Square((across - edge) / 0.025)) * Inside(y - lungTop - 0.05, 0.1) * Inside(0.85 - y, 0.15);
            return ribContrast * (cage * (back + 0.45 * front * Smooth((across - 0.3) / 0.3)) + 0.7 * turn);
        }

        private double Collarbones(double x, double y)
        {
            var across = Math.Abs(x);
            var line = -0.60 - 0.20 * Smooth(across / 0.8) + 0.05 * Math.Sin(across * 7);
            return 0.22 * Math.Exp(-Square((y - line) / 0.028)) * Inside(across - 0.10, 0.03) * Inside(0.85 - across, 0.05);
        }

        // 1 in the middle of each period of 1, with soft edges; `width` is the bright share.
        private static double Band(double position, double width)
        {
            var offset = Math.Abs(position - Math.Round(position));
            return Inside(width / 2 - offset, 0.07);
        }

        // 0 outside, 1 inside, over `softness` on both sides of the boundary.
        private static double Inside(double distance, double softness) => Smooth(distance / (2 * softness) + 0.5);

        private static double Smooth(double t)
        {
            t = Math.Clamp(t, 0, 1);
            return t * t * (3 - 2 * t);
        }

        private static double Square(double value) => value * value;

        // Thin bright lines where noise crosses its middle.
        private double Ridge(double x, double y, ulong layer) => Square(1 - Math.Min(1, 5 * Math.Abs(Noise(x, y, layer) - 0.5)));

        private double Clouds(double x, double y, ulong layer) =>
            0.6 * Noise(x, y, layer) + 0.3 * Noise(2.1 * x, 2.1 * y, layer) + 0.1 * Noise(4.3 * x, 4.3 * y, layer);

        // Value noise: random numbers on a grid, smoothly joined; 0 … 1.
        private double Noise(double x, double y, ulong layer)
        {
            double floorX = Math.Floor(x), floorY = Math.Floor(y);
            double across = Smooth(x - floorX), down = Smooth(y - floorY);
            long column = (long)floorX + 4096, row = (long)floorY + 4096;
            double At(long c, long r) => random.Uniform((layer << 32) + (ulong)(r << 14) + (ulong)c);
            var top = At(column, row) + (At(column + 1, row) - At(column, row)) * across;
            var bottom = At(column, row + 1) + (At(column + 1, row + 1) - At(column, row + 1)) * across;
            return top + (bottom - top) * down;
        }
    }
}
