using System.Runtime.CompilerServices;
using Convolve.Engine.Devices;
using Convolve.Engine.Kernels;
using Convolve.Engine.Operations.BlockProduct;
using ILGPU;

namespace Convolve.Engine.Operations.Convolution;

// The patches of ConvolutionOperands.cs for staging on a GPU: a thread divides once at the start, then advances by additions.

internal readonly partial struct InputPatches
{
    public static bool DepthsAreContiguous => true;

    /// <summary>Four channels of one tap; a multiple of four never spans two taps.</summary>
    public bool FoursAreAligned => (geometry.InputChannels & 3) == 0;

    // position = output pixel, depth = (kh, kw, c)
    public StagingCursor Seek(int position, int depth)
    {
        var line = position / geometry.OutputWidth;
        var image = line / geometry.OutputHeight;
        var tap = depth / geometry.InputChannels;
        var tapRow = tap / geometry.KernelWidth;
        return new StagingCursor
        {
            Image = image,
            Top = (line - image * geometry.OutputHeight) * geometry.Stride - geometry.PaddingTop,
            Left = (position - line * geometry.OutputWidth) * geometry.Stride - geometry.PaddingLeft,
            TapRow = tapRow,
            TapColumn = tap - tapRow * geometry.KernelWidth,
            Channel = depth - tap * geometry.InputChannels,
        };
    }

    public StagingCursor Advance(StagingCursor cursor, int depths) =>
        TapWalk.Forward(cursor, depths, geometry.InputChannels, geometry.KernelWidth);

    public StagingCursor Next(StagingCursor cursor) => TapWalk.Forward(cursor, 1, geometry.InputChannels, geometry.KernelWidth);

    public float Load(StagingCursor cursor) => IsInside(cursor) ? input[Index(cursor)] : 0f;

    public Float4 LoadFour(StagingCursor cursor)
    {
        // Padding covers whole taps, so all four are inside or none is.
        if (IsInside(cursor)) return input.Cast<Float4>()[Index(cursor) / 4];
        return default;
    }

    /// <summary>The same tap over the output pixel <paramref name="pixels"/> further.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal StagingCursor AdvancePixels(StagingCursor cursor, int pixels)
    {
        cursor.Left += pixels * geometry.Stride;
        while (cursor.Left + geometry.PaddingLeft >= geometry.OutputWidth * geometry.Stride)
        {
            cursor.Left -= geometry.OutputWidth * geometry.Stride;
            cursor.Top += geometry.Stride;
            if (cursor.Top + geometry.PaddingTop >= geometry.OutputHeight * geometry.Stride)
            {
                cursor.Top = -geometry.PaddingTop;
                cursor.Image++;
            }
        }
        return cursor;
    }

    private bool IsInside(StagingCursor cursor)
    {
        var h = cursor.Top + cursor.TapRow;
        var w = cursor.Left + cursor.TapColumn;
        return h >= 0 & h < geometry.Height & w >= 0 & w < geometry.Width;
    }

    private int Index(StagingCursor cursor) =>
        ((cursor.Image * geometry.Height + cursor.Top + cursor.TapRow) * geometry.Width + cursor.Left + cursor.TapColumn)
            * geometry.InputChannels
        + cursor.Channel;
}

internal readonly partial struct InputPatchesTransposed
{
    public static bool DepthsAreContiguous => false;

    public bool FoursAreAligned => patches.FoursAreAligned;

    // position = (kh, kw, c), depth = output pixel
    public StagingCursor Seek(int position, int depth) => patches.Seek(depth, position);

    public StagingCursor Advance(StagingCursor cursor, int depths) => patches.AdvancePixels(cursor, depths);

    public StagingCursor Next(StagingCursor cursor) => patches.Next(cursor);

    public float Load(StagingCursor cursor) => patches.Load(cursor);

    public Float4 LoadFour(StagingCursor cursor) => patches.LoadFour(cursor);
}

internal readonly partial struct UpstreamPatches
{
    public static bool DepthsAreContiguous => true;

    /// <summary>Four channels of one tap.</summary>
    public bool FoursAreAligned => (geometry.OutputChannels & 3) == 0;

    // position = input pixel, depth = (kh, kw, k); Top and Left are where the output of the first tap would be with stride 1
    public StagingCursor Seek(int position, int depth)
    {
        var line = position / geometry.Width;
        var image = line / geometry.Height;
        var tap = depth / geometry.OutputChannels;
        var tapRow = tap / geometry.KernelWidth;
        return new StagingCursor
        {
            Image = image,
            Top = line - image * geometry.Height + geometry.PaddingTop,
            Left = position - line * geometry.Width + geometry.PaddingLeft,
            TapRow = tapRow,
            TapColumn = tap - tapRow * geometry.KernelWidth,
            Channel = depth - tap * geometry.OutputChannels,
        };
    }

    public StagingCursor Advance(StagingCursor cursor, int depths) =>
        TapWalk.Forward(cursor, depths, geometry.OutputChannels, geometry.KernelWidth);

    public StagingCursor Next(StagingCursor cursor) => TapWalk.Forward(cursor, 1, geometry.OutputChannels, geometry.KernelWidth);

    public float Load(StagingCursor cursor)
    {
        var at = Index(cursor);
        return at != Nowhere ? upstream[at] : 0f;
    }

    public Float4 LoadFour(StagingCursor cursor)
    {
        var at = Index(cursor);
        if (at != Nowhere) return upstream.Cast<Float4>()[at / 4];
        return default;
    }

    // Not −1: ILGPU writes that as 4294967295, of which OpenCL compilers warn.
    private const int Nowhere = int.MaxValue;

    /// <summary>The output that read the pixel through the tap, or <see cref="Nowhere"/>.</summary>
    private int Index(StagingCursor cursor)
    {
        var h = cursor.Top - cursor.TapRow;
        var w = cursor.Left - cursor.TapColumn;
        var oh = h;
        var ow = w;
        // The only division, once for four channels, and only for strides above 1.
        if (geometry.Stride != 1)
        {
            oh = h / geometry.Stride;
            ow = w / geometry.Stride;
        }
        var inside = h >= 0 & w >= 0 & oh < geometry.OutputHeight & ow < geometry.OutputWidth & oh * geometry.Stride == h
            & ow * geometry.Stride == w;
        return inside ? ((cursor.Image * geometry.OutputHeight + oh) * geometry.OutputWidth + ow) * geometry.OutputChannels
            + cursor.Channel : Nowhere;
    }
}

/// <summary>Advances along (tap row, tap column, channel).</summary>
internal static class TapWalk
{
    /// <summary>The position <paramref name="steps"/> channels further, across the ends of taps and kernel rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static StagingCursor Forward(StagingCursor cursor, int steps, int channels, int kernelWidth)
    {
        cursor.Channel += steps;
        while (cursor.Channel >= channels)
        {
            cursor.Channel -= channels;
            cursor.TapColumn++;
            if (cursor.TapColumn == kernelWidth)
            {
                cursor.TapColumn = 0;
                cursor.TapRow++;
            }
        }
        return cursor;
    }
}
