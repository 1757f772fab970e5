using System.Globalization;
using System.Reflection;

namespace Convolve.Engine.Kernels;

/// <summary>
/// A method under another name. ILGPU names the entry of a compiled kernel after its method, and all kernels share one:
/// <see cref="KernelLauncher.Entry{TKernel}"/>.
/// </summary>
internal sealed class NamedMethod(MethodInfo method, string name) : MethodInfo
{
    public override string Name => name;

    public override Type? DeclaringType => method.DeclaringType;

    public override Type? ReflectedType => method.ReflectedType;

    public override Module Module => method.Module;

    public override int MetadataToken => method.MetadataToken;

    public override RuntimeMethodHandle MethodHandle => method.MethodHandle;

    public override MethodAttributes Attributes => method.Attributes;

    public override CallingConventions CallingConvention => method.CallingConvention;

    public override bool IsGenericMethod => method.IsGenericMethod;

    public override bool IsGenericMethodDefinition => method.IsGenericMethodDefinition;

    public override bool ContainsGenericParameters => method.ContainsGenericParameters;

    public override Type ReturnType => method.ReturnType;

    public override ParameterInfo ReturnParameter => method.ReturnParameter;

    public override ICustomAttributeProvider ReturnTypeCustomAttributes => method.ReturnTypeCustomAttributes;

    public override Type[] GetGenericArguments() => method.GetGenericArguments();

    public override MethodInfo GetGenericMethodDefinition() => method.GetGenericMethodDefinition();

    public override MethodInfo GetBaseDefinition() => method.GetBaseDefinition();

    public override MethodBody? GetMethodBody() => method.GetMethodBody();

    public override MethodImplAttributes GetMethodImplementationFlags() => method.GetMethodImplementationFlags();

    public override ParameterInfo[] GetParameters() => method.GetParameters();

    public override object[] GetCustomAttributes(bool inherit) => method.GetCustomAttributes(inherit);

    public override object[] GetCustomAttributes(Type attributeType, bool inherit) => method.GetCustomAttributes(attributeType, inherit);

    public override bool IsDefined(Type attributeType, bool inherit) => method.IsDefined(attributeType, inherit);

    public override object? Invoke(object? obj, BindingFlags invokeAttr, Binder? binder, object?[]? parameters, CultureInfo? culture) =>
        method.Invoke(obj, invokeAttr, binder, parameters, culture);

    public override bool Equals(object? obj) => obj is NamedMethod other && other.Method == method && other.Name == name;

    public override int GetHashCode() => method.GetHashCode();

    private MethodInfo Method => method;
}
