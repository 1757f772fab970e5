using Convolve.Engine.Tracing;
using Convolve.Layers.Training;
using Convolve.Pneumonia.Shell;

namespace Convolve.Pneumonia.Images;

/// <summary>
/// The images of one part as bytes [Count, N, N, Channels], filled in the background by as many threads as there are processors.
/// Reading an image that is not there yet fills it on the reader's own thread, or waits for the thread that is at it; so training
/// starts with the first batch while the rest is still being decoded, and what a reader sees never depends on timing.
/// </summary>
/// <remarks>
/// An image that cannot be decoded is black and not <see cref="IsUsable"/>: give it weight 0 in its batch, and make up later epochs
/// and all counts from <see cref="UsableIndices"/>. Files, order and indices stay as they were, so an epoch's order for a seed
/// does not depend on when the damage was found. Safe to read from several threads.
/// </remarks>
public sealed class ImageStore : ISampleSource
{
    private enum State { Pending, Filling, Ready, Unreadable, Failed }

    private readonly byte[] bytes;
    private readonly int imageLength;
    private readonly int[] states;
    private readonly int[] classIndices;
    private readonly UnreadableImage?[] errors;
    private ImageRemarks remarks = new();
    private readonly FillImage fill;
    private readonly CancellationToken cancellation;
    private readonly object change = new();
    private readonly int mostMissing;
    private Exception? failure;
    private int done, missing;

    /// <summary>
    /// Writes image <paramref name="index"/>, resized but not normalized, [N, N, channels], into <paramref name="pixels"/>.
    /// </summary>
    public delegate void FillImage(int index, Span<byte> pixels);

    /// <summary>Starts to fill a store.</summary>
    /// <param name="files">The images.</param>
    /// <param name="classes">Names of all classes in the order of the model's outputs; every file's class is one of them.</param>
    /// <param name="preprocessing">Size and channels of the images, and how each is normalized once it is filled.</param>
    /// <param name="fill">Produces one image; called from several threads, once for each image.</param>
    /// <param name="order">The order to fill in, such as that of the first epoch; by default that of the files.</param>
    /// <param name="after">Filling in the background begins when this ends, however it ends; by default at once. Readers need not wait for
    /// it.</param>
    /// <param name="cancellation">Stops the filling; readers of images that are not there yet then get an
    /// <see cref="OperationCanceledException"/>.</param>
    /// <param name="mostMissing">How many files may be missing; by default <see cref="MostMissing"/>.</param>
    /// <exception cref="UserError">The images need more memory than one array holds.</exception>
    public ImageStore(IReadOnlyList<ImageFile> files, IReadOnlyList<string> classes, ImagePreprocessing preprocessing, FillImage fill,
        IReadOnlyList<int>? order = null, Task? after = null, CancellationToken cancellation = default, int? mostMissing = null)
    {
        (var pixels, var channels) = (preprocessing.Pixels, preprocessing.Channels);
        var total = (long)files.Count * pixels * pixels * channels;
        if (total > Array.MaxLength)
        {
            throw new UserError($"{files.Count} images of {pixels} × {pixels} × {channels} need {total >> 20} MiB, one part can hold "
                + $"{Array.MaxLength >> 20} MiB; use a smaller --pixels or --limit");
        }
        Files = files;
        Classes = classes;
        Preprocessing = preprocessing;
        this.fill = fill;
        this.cancellation = cancellation;
        this.mostMissing = mostMissing ?? MostMissing(files.Count);
        imageLength = preprocessing.Length;
        try { bytes = GC.AllocateUninitializedArray<byte>((int)total); }
        catch (OutOfMemoryException)
        {
            throw new UserError($"{files.Count} images of {pixels} × {pixels} need {total >> 20} MiB of memory, more than there is; "
                + "use a smaller --pixels or --limit");
        }
        states = new int[files.Count];
        errors = new UnreadableImage?[files.Count];
        classIndices = new int[files.Count];
        var positions = classes.Select((name, index) => (name, index)).ToDictionary(entry => entry.name, entry => entry.index);
        for (var i = 0; i < files.Count; i++)
        {
            if (!positions.TryGetValue(files[i].Class, out classIndices[i]))
                throw new ArgumentException(
                    $"image store: class {files[i].Class} of {files[i].RelativePath} is not among {string.Join(", ", classes)}");
        }
        Completed = after is null
            ? FillAll(order)
            : after.ContinueWith(_ => FillAll(order), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default).Unwrap();
    }

    /// <summary>Starts to decode and resize files.</summary>
    /// <inheritdoc
    ///     cref="ImageStore(IReadOnlyList{ImageFile}, IReadOnlyList{string}, ImagePreprocessing, FillImage, IReadOnlyList{int}?, Task?,
    ///     CancellationToken, int?)"/>
    public static ImageStore Decode(IReadOnlyList<ImageFile> files, IReadOnlyList<string> classes, ImagePreprocessing preprocessing,
        IReadOnlyList<int>? order = null, Task? after = null, CancellationToken cancellation = default, int? mostMissing = null,
        ExecutionTrace? trace = null)
    {
        var remarks = new ImageRemarks();
        return new ImageStore(files, classes, preprocessing, Fill, order, after, cancellation, mostMissing) { remarks = remarks };

        void Fill(int index, Span<byte> target)
        {
            using var span = trace?.Phase("decode");
            var image = ImageDecoder.Decode(files[index].Path);
            remarks.Add(index, files[index].RelativePath, image);
            preprocessing.Resize(image, target);
        }
    }

    /// <summary>
    /// How many of so many listed files may be missing when they are read: a few that were removed meanwhile. More of them mean that their
    /// folder is gone, as on a network drive, and figures of the rest would be about other images than those asked for.
    /// </summary>
    public static int MostMissing(int files) => Math.Max(3, files / 100);

    /// <summary>Number of images, unreadable ones included.</summary>
    public int Count => Files.Count;

    /// <summary>Size and channels of the images, and how they are normalized and scaled.</summary>
    public ImagePreprocessing Preprocessing { get; }

    /// <inheritdoc/>
    public int SampleLength => imageLength;

    public IReadOnlyList<ImageFile> Files { get; }

    public IReadOnlyList<string> Classes { get; }

    /// <summary>Ends when every image is filled or known to be unreadable; fails or is cancelled as the filling was.</summary>
    public Task Completed { get; }

    /// <summary>How many images are filled or known to be unreadable, for progress displays.</summary>
    public int Done => Volatile.Read(ref done);

    /// <summary>
    /// The pixels [N, N, Channels] of an image, red, green, blue from 0 to 255; waits until they are there. Black for an unreadable image.
    /// </summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            Wait(index);
            return Slot(index);
        }
    }

    /// <summary>Position of the image's class in <see cref="Classes"/>; known at once.</summary>
    public int ClassOf(int index) => classIndices[index];

    /// <inheritdoc/>
    public void CopyPixels(int index, Span<byte> target) => this[index].CopyTo(target);

    /// <summary>Whether the image could be decoded; waits until that is known.</summary>
    public bool IsUsable(int index)
    {
        Wait(index);
        return Volatile.Read(ref states[index]) == (int)State.Ready;
    }

    /// <summary>Indices of all images that could be decoded, in order; waits for <see cref="Completed"/>.</summary>
    public int[] UsableIndices()
    {
        var usable = new List<int>(Count);
        for (var i = 0; i < Count; i++)
            if (IsUsable(i)) usable.Add(i);
        return [.. usable];
    }

    /// <summary>Throws what has stopped the filling so far, if something has.</summary>
    /// <exception cref="UserError">Too many files are missing.</exception>
    public void ThrowIfFailed()
    {
        if (Volatile.Read(ref failure) is not { } fault) return;
        throw fault is UserError ? UserError.From(fault) : new InvalidOperationException(fault.Message, fault);
    }

    /// <summary>One line for each image found unreadable so far, in the order of the files; all of them once completed.</summary>
    public IReadOnlyList<string> Warnings =>
        [.. Enumerable.Range(0, Count).Where(i => errors[i] is not null)
            .Select(i => $"{Files[i].RelativePath}: {errors[i]!.Reason}; left out")];

    /// <summary>Why an image cannot be read, and what to do about it; null for one that can. Waits until that is known.</summary>
    public string? ReasonOf(int index) => IsUsable(index) ? null : errors[index]!.Reason;

    /// <summary>One line for each assumption made to decode the images found so far; all of them once completed.</summary>
    public IReadOnlyList<string> Remarks => remarks.Lines;

    private Task FillAll(IReadOnlyList<int>? order)
    {
        var next = -1;
        var workers = new Task[Math.Min(Environment.ProcessorCount, Math.Max(1, Count))];
        for (var worker = 0; worker < workers.Length; worker++)
            workers[worker] = Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return Task.WhenAll(workers);

        void Work()
        {
            int position;
            while ((position = Interlocked.Increment(ref next)) < Count)
            {
                cancellation.ThrowIfCancellationRequested();
                TryFill(order is null ? position : order[position]);
                ThrowIfFailed();
            }
            // Images that `order` leaves out, and those that a reader is filling on its own thread.
            for (var i = 0; i < Count; i++) Wait(i);
        }
    }

    private void Wait(int index)
    {
        if (Volatile.Read(ref states[index]) is (int)State.Ready or (int)State.Unreadable) return;
        cancellation.ThrowIfCancellationRequested();
        TryFill(index);
        lock (change)
        {
            while (states[index] is (int)State.Pending or (int)State.Filling) Monitor.Wait(change);
        }
        if (states[index] == (int)State.Failed) ThrowIfFailed();
    }

    // Fills the image unless another thread has taken it.
    private void TryFill(int index)
    {
        if (Interlocked.CompareExchange(ref states[index], (int)State.Filling, (int)State.Pending) != (int)State.Pending) return;
        var result = State.Ready;
        var slot = Slot(index);
        try
        {
            fill(index, slot);
            Preprocessing.Normalize(slot);
        }
        catch (UnreadableImage e) when (e.IsMissing && Interlocked.Increment(ref missing) > mostMissing)
        {
            Volatile.Write(ref failure, new UserError(
                $"data: more than {mostMissing} of {Count} images that were listed can no longer be read, such as {e.Message}; see that "
                    + "their folder is there"));
            result = State.Failed;
        }
        catch (UnreadableImage e)
        {
            slot.Clear();
            errors[index] = e;
            result = State.Unreadable;
        }
        catch (Exception e)
        {
            Volatile.Write(ref failure, e);
            result = State.Failed;
        }
        lock (change)
        {
            Volatile.Write(ref states[index], (int)result);
            done++;
            Monitor.PulseAll(change);
        }
    }

    private Span<byte> Slot(int index) => bytes.AsSpan(index * imageLength, imageLength);
}
