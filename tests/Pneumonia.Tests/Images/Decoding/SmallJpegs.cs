namespace Convolve.Pneumonia.Tests.Images;

/// <summary>JPEG files of 24 × 40 pixels, written by another program.</summary>
internal static class SmallJpegs
{
    /// <summary>Colour, with half as many rows and columns of chroma as of luma.</summary>
    public static byte[] Colour => Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/" +
        "2wBDARUXFx4aHjshITt8U0ZTfHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHx8fHz/wAARCAAoABgDASIAAhEBAxEB/8QA" +
        "GgABAAMAAwAAAAAAAAAAAAAAAAMEBQECBv/EACUQAAEEAgAEBwAAAAAAAAAAAAEAAgMRBCESEzEyFCJBUWFxsf/EABcBAQEBAQAAAAAAAAAAAAAAAAIDBAX/" +
        "xAAcEQADAAIDAQAAAAAAAAAAAAAAAQIRIQMTQSL/2gAMAwEAAhEDEQA/AOM0OjqSMurqFVhz3Mk4h9Ggu/iBK1zC69eyzCHse+yjLc6oMS5Z6VmWJPMdH4RY" +
        "8E1R91FFqWPDVmfShG8teR0pTxkSkh1qpMQCCDv9UmKQ7d0p6poCw2WS30BNhFM6gA60T6aF15MnJDmiqujpR48hBoHSIocO8ZJw/o0RNzI+F3cOiIi7fCsw" +
        "a60z/9k=");

    /// <summary>Gray, in progressive order.</summary>
    public static byte[] Progressive => Convert.FromBase64String(
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQySUBMS0dARkVQWnNiUFVtVkVGZIhlbXd7gYKBTmCNl4x9lnN+gXz/" +
        "wgALCAAoABgBAREA/8QAGAAAAwEBAAAAAAAAAAAAAAAAAQIDAAT/2gAIAQEAAAABDTa6c98BZEP/xAAbEAACAgMBAAAAAAAAAAAAAAAAAQIREBIhMf/aAAgB" +
        "AQABBQLWzUoi8UeOLGMicH1LH//EABQQAQAAAAAAAAAAAAAAAAAAADD/2gAIAQEABj8Cf//EABsQAQEAAgMBAAAAAAAAAAAAAAEAEUEgITFx/9oACAEBAAE/" +
        "IQR1bp5d2M3uZGeACW0ukPpFm//aAAgBAQAAABDryf/EABwQAQADAAMBAQAAAAAAAAAAAAEAESExQVFhcf/aAAgBAQABPxBAQNNlxVdGQVxFEU6ks5L+kUHP" +
        "sXj1eWACewJw5BjYaeRVTqILQfsKysEBedx0qaPU/9k=");

    /// <summary>The same picture in other bytes: with a comment.</summary>
    public static byte[] WithComment(byte[] jpeg) =>
        [.. jpeg[..2], 0xFF, 0xFE, 0, 6, (byte)'n', (byte)'o', (byte)'t', (byte)'e', .. jpeg[2..]];
}
