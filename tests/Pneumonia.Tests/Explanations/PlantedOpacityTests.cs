using Convolve.Engine.Tensors;
using Convolve.Pneumonia.Actions;
using Convolve.Pneumonia.Explanations;
using Convolve.Pneumonia.Images;
using Convolve.Pneumonia.Tests.Actions;

namespace Convolve.Pneumonia.Tests.Explanations;

/// <summary>A trained network's maps show where the opacity was planted that makes the difference.</summary>
[Collection(OnADevice.Name)]
public sealed class PlantedOpacityTests(TrainedOnOpacities trained) : IClassFixture<TrainedOnOpacities>
{
    private const int Cases = 30;

    // The last layer whose units stand closer together than an opacity is wide: six by six of the last one's cover the whole picture.
    [SkippableFact]
    public void Grad_cam_peaks_inside() => PeaksInside((model, input, _) =>
        GradCam.Of(model.Network, input, 1, model.Network.Layers.ToList().FindIndex(layer => layer.Name == "block4_norm2")));

    [SkippableFact]
    public void Occlusion_peaks_inside() => PeaksInside((model, _, image) =>
        Occlusion.For(model.Pixels).Of(model.Network, image, model.Preprocessing.Scaling(), 1));

    private void PeaksInside(Func<TrainedModel, Tensor, byte[], HeatMap> explain)
    {
        TrainedModel model = trained.Model;
        var xrays = new SyntheticXrays(11, ImagePart.Test);
        int inside = 0;
        for (int i = 0; i < Cases; i++)
        {
            byte[] image = xrays.Draw(2 * i + 1, model.Pixels);
            model.Preprocessing.Prepare(image);
            using Tensor input = NetworkInput.Of(model.Network, image, model.Preprocessing.Scaling());
            (int x, int y) = explain(model, input, image).Peak;
            IReadOnlyList<Opacity> planted = xrays.Opacities(2 * i + 1);
            if (planted.Any(opacity => opacity.Contains((x + 0.5) / model.Pixels, (y + 0.5) / model.Pixels))) inside++;
        }
        Assert.True(inside >= 0.9 * Cases, $"{inside} of {Cases} maps have their maximum inside an opacity");
    }
}
