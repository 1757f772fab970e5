using System.Text.Json;
using System.Text.Json.Nodes;

namespace Convolve.Pneumonia.Tests.Shell;

/// <summary>The shape of a JSON document as one line: names in order, and the types of the values.</summary>
public static class JsonShape
{
    /// <summary>The score block of two classes that are both present.</summary>
    public const string ScoreBlock = "{" + Scores + "}";

    /// <summary>The output of <c>evaluate --json</c>: a score block, and its network.</summary>
    public const string Evaluation = "{" + Scores + ",positive:string,network:string}";

    private const string Scores = "n:number,loss:number,accuracy:number,auc:number,sensitivity:number,specificity:number,"
        + "precision:number,f1:number,ece:number,confusion:{tp:number,fp:number,tn:number,fn:number},"
        + "atThreshold:{threshold:number,accuracy:number,sensitivity:number,specificity:number,accuracy95:[number],"
        + "sensitivity95:[number],specificity95:[number]},"
        + "auc95:[number],accuracy95:[number],averagePrecision:number,sensitivity95:[number],specificity95:[number]";

    /// <summary><c>metrics.json</c> of two classes with test images, all of them used.</summary>
    public const string Metrics = "{model:string,parameters:number,trainable:number,device:string,seed:number,synthetic:boolean,"
        + "split:{kind:string,train:number,val:number,test:number},"
        + "epochs:[{epoch:number,seconds:number,trainLoss:number,trainAccuracy:number,valLoss:number,valAccuracy:number}],"
        + "bestEpoch:number,imagesPerSecond:number,threshold:number,val:" + ScoreBlock + ",test:" + ScoreBlock + ","
        + "positive:string," + Patients + ",leftOut:[],copiesAcrossParts:number}";

    /// <summary>The same for synthetic images, which have no patients.</summary>
    public static string SyntheticMetrics => Metrics.Replace(Patients, "patients:null", StringComparison.Ordinal);

    private const string Patients = "patients:{rule:string,recognised:number,images:number,distinct:number,acrossParts:number}";

    /// <summary>Describes a document; all entries of an array must have the same shape.</summary>
    public static string Of(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject members => $"{{{string.Join(',', members.Select(member => $"{member.Key}:{Of(member.Value)}"))}}}",
        JsonArray entries => $"[{string.Join('|', entries.Select(Of).Distinct())}]",
        _ => node.GetValueKind() switch
        {
            JsonValueKind.True or JsonValueKind.False => "boolean",
            var kind => kind.ToString().ToLowerInvariant(),
        },
    };
}
