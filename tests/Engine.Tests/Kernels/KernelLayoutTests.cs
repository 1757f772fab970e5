using System.Reflection;
using Convolve.Engine.Devices;
using Convolve.Inspection;
using ILGPU;

namespace Convolve.Engine.Tests.Kernels;

/// <summary>
/// ILGPU takes two structs for one type where their fields, with those of structs within them, are the same; what it knows of the structs
/// within is that of the type it met first. Where one of them lies across the border of another, a kernel is compiled wrongly or not at
/// all, depending on what was compiled before. So no two layouts may be alike and divided differently.
/// </summary>
public sealed class KernelLayoutTests
{
    [Fact]
    public void NoTwoStructsAreAlikeButDividedDifferently()
    {
        var types = new HashSet<Type>();
        foreach (var form in KernelCatalogue.All.SelectMany(kernel => kernel.Forms)) Collect(form, types);
        foreach (var type in typeof(Device).Assembly.GetTypes())
            if (type is { IsValueType: true, IsEnum: false, ContainsGenericParameters: false, IsByRefLike: false }) Collect(type, types);
        var clashes = from pair in types.GroupBy(type => string.Join(' ', Fields(type)))
                      from first in pair
                      from second in pair
                      where first != second && Parts(first, 0).Any(a => Parts(second, 0).Any(b => Straddles(a, b)))
                      select $"{first} and {second}";
        Assert.True(!clashes.Any(), string.Join('\n', clashes));
    }

    [Fact]
    public void AClashIsFound()
    {
        Assert.Equal(Fields(typeof(TwoAndOne)), Fields(typeof(OneAndTwo)));
        Assert.Contains(Parts(typeof(TwoAndOne), 0), a => Parts(typeof(OneAndTwo), 0).Any(b => Straddles(a, b)));
    }

    private static void Collect(Type type, HashSet<Type> types)
    {
        if (!IsStruct(type) || !types.Add(type)) return;
        foreach (var field in FieldsOf(type)) Collect(field.FieldType, types);
    }

    private static IEnumerable<string> Fields(Type type) => IsStruct(type) ? FieldsOf(type).SelectMany(field => Fields(field.FieldType))
        : [type.IsEnum || type == typeof(uint) ? nameof(Int32) : type.ToString()];

    /// <summary>Where the structs within a struct begin and end, counted in fields.</summary>
    private static IEnumerable<(int Begin, int End)> Parts(Type type, int begin)
    {
        foreach (var field in FieldsOf(type))
        {
            var length = Fields(field.FieldType).Count();
            if (IsStruct(field.FieldType))
            {
                yield return (begin, begin + length);
                foreach (var part in Parts(field.FieldType, begin)) yield return part;
            }
            begin += length;
        }
    }

    private static bool Straddles((int Begin, int End) a, (int Begin, int End) b) => a.Begin < b.Begin && b.Begin < a.End && a.End < b.End;

    private static FieldInfo[] FieldsOf(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    private static bool IsStruct(Type type) => type is { IsValueType: true, IsPrimitive: false, IsEnum: false }
        && !(type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>)) && FieldsOf(type).Length > 0;

    private readonly record struct Two(int First, int Second);

    private readonly record struct TwoAndOne(Two Two, int One);

    private readonly record struct OneAndTwo(int One, Two Two);
}
