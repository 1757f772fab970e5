using System.Globalization;
using Convolve.Engine.Kernels;

namespace Convolve.Inspection.PtxMachine.Syntax;

/// <summary>Reads the text of one kernel, statement by statement.</summary>
/// <remarks>
/// PTX ISA, chapter 4 "Syntax" and 5.4 "Variables". Names declared inside braces, as inline PTX may do, hold up to the closing brace and
/// hide those of the same name outside.
/// </remarks>
internal sealed class PtxParser(string text)
{
    private readonly List<PtxToken> tokens = PtxTokens.Of(text);
    private readonly List<PtxVariable> parameters = [], variables = [];
    private readonly List<PtxRegister> registers = [];
    private readonly List<PtxInstruction> instructions = [];
    private readonly Dictionary<string, int> labels = [];
    private readonly Stack<Dictionary<string, object>> scopes = new([[]]);
    private int at;
    private string name = "", target = "";
    private readonly Dictionary<int, string> files = [];
    private PtxLocation? location;
    private int? maximalThreads, groupsPerMultiprocessor;

    private int Line => at < tokens.Count ? tokens[at].Line : tokens.Count > 0 ? tokens[^1].Line : 1;

    public PtxKernel Parse()
    {
        while (at < tokens.Count) Directive();
        if (name.Length == 0) throw new PtxException(1, "the text has no .entry");
        foreach (var instruction in instructions)
            foreach (var label in instruction.Operands.OfType<LabelOperand>())
                if (!labels.ContainsKey(label.Name))
                    throw new PtxException(instruction.Line, $"{instruction.Name}: there is no {label.Name}");
        return new PtxKernel(name, target, parameters, registers, variables, instructions, labels)
        {
            MaximalThreads = maximalThreads,
            GroupsPerMultiprocessor = groupsPerMultiprocessor,
            Text = text,
            Files = files,
        };
    }

    private void Directive()
    {
        var directive = Next();
        switch (directive)
        {
            case ".version" or ".address_size": Next(); break;
            case ".target":
                target = Next();
                // Further words name platform options, such as debug.
                while (Take(",")) Next();
                break;
            case ".file": files.Add(Number(), Next().Trim('"')); break;
            case var section when section.StartsWith(".section", StringComparison.Ordinal): SkipSection(); break;
            case ".visible" or ".weak": break;
            case ".maxntid":
                maximalThreads = Numbers().Aggregate(1, (product, number) => product * number);
                break;
            case ".minnctapersm": groupsPerMultiprocessor = Numbers()[0]; break;
            case ".entry":
                if (name.Length > 0) throw new PtxException(Line, $"a second .entry beside {name}");
                name = Next();
                if (Take("(")) Parameters();
                break;
            case "{": Body(); break;
            default: throw new PtxException(tokens[at - 1].Line, $"{directive}: a directive that the machine does not know");
        }
    }

    private void Parameters()
    {
        for (var offset = 0; !Take(")"); Take(","))
        {
            Expect(".param");
            var variable = Variable(StateSpace.Parameter, ref offset);
            parameters.Add(variable);
        }
    }

    private void Body()
    {
        var depth = scopes.Count;
        scopes.Push([]);
        int shared = 0, local = 0;
        while (scopes.Count > depth)
        {
            if (Take("{")) scopes.Push([]);
            else if (Take("}")) scopes.Pop();
            else if (Take(".reg")) Registers();
            else if (Take(".shared")) Declare(StateSpace.Shared, ref shared);
            else if (Take(".local")) Declare(StateSpace.Local, ref local);
            else if (Take(".loc")) Location();
            else if (Take(".pragma")) SkipStatement();
            else if (Take(";")) continue;
            else if (at + 1 < tokens.Count && tokens[at + 1].Text == ":") Label();
            else Instruction();
        }
    }

    private void Declare(StateSpace space, ref int offset)
    {
        variables.Add(Variable(space, ref offset));
        Expect(";");
    }

    private PtxVariable Variable(StateSpace space, ref int offset)
    {
        var alignment = Take(".align") ? Number() : 0;
        var type = Type();
        var variable = Next();
        var length = 1;
        if (Take("["))
        {
            length = Number();
            Expect("]");
        }
        if (alignment == 0) alignment = type.Bytes;
        offset = Rounding.RoundUp(offset, alignment);
        var declared = new PtxVariable(variable, space, offset, length * type.Bytes, alignment);
        offset += declared.Bytes;
        scopes.Peek()[variable] = declared;
        return declared;
    }

    private void Registers()
    {
        var type = Type();
        do
        {
            var register = Next();
            if (Take("<"))
            {
                var count = Number();
                Expect(">");
                for (var i = 0; i < count; i++) Register(register + i.ToString(CultureInfo.InvariantCulture), type);
            }
            else
            {
                Register(register, type);
            }
        }
        while (Take(","));
        Expect(";");
    }

    private void Register(string register, PtxType type)
    {
        var declared = new PtxRegister(register, type, registers.Count);
        registers.Add(declared);
        if (!scopes.Peek().TryAdd(register, declared)) throw new PtxException(Line, $"{register} is declared twice");
    }

    private void Location()
    {
        var line = tokens[at - 1].Line;
        location = new PtxLocation(Number(), Number());
        // The column, and where the code was inlined; the directive ends with its line.
        while (at < tokens.Count && tokens[at].Line == line) at++;
    }

    private void Label()
    {
        var label = Next();
        Expect(":");
        if (!labels.TryAdd(label, instructions.Count)) throw new PtxException(Line, $"the label {label} stands twice");
    }

    private void Instruction()
    {
        var line = Line;
        RegisterOperand? guard = null;
        if (Take("@"))
        {
            var negated = Take("!");
            guard = new RegisterOperand(Find<PtxRegister>(Next()), negated);
        }
        var instruction = Next();
        var operands = new List<PtxOperand>();
        while (!Take(";"))
        {
            if (operands.Count > 0 && !Take(",") && !Take("|"))
                throw new PtxException(line, $"{instruction}: '{Next()}' where ',' or ';' should be");
            operands.Add(instruction.Split('.')[0] == "bra" ? new LabelOperand(Next()) : Operand());
        }
        instructions.Add(new PtxInstruction(line, guard, instruction, operands) { Location = location });
        // ILGPU states the location anew in every block.
        if (instruction.Split('.')[0] is "bra" or "ret") location = null;
    }

    private PtxOperand Operand()
    {
        if (Take("{"))
        {
            var elements = new List<PtxOperand>();
            do elements.Add(Operand());
            while (Take(","));
            Expect("}");
            return new VectorOperand(elements);
        }
        if (Take("["))
        {
            var place = Operand();
            long offset = 0;
            if (Take("+")) offset = Signed();
            else if (Peek() == "-") offset = Signed();
            Expect("]");
            return new AddressOperand(place, offset);
        }
        if (Take("!")) return new RegisterOperand(Find<PtxRegister>(Next()), Negated: true);
        if (Peek() == "-" || char.IsAsciiDigit(Peek()[0])) return Constant();
        var word = Next();
        return Lookup(word) switch
        {
            PtxRegister register => new RegisterOperand(register),
            PtxVariable variable => new VariableOperand(variable),
            _ when word[0] == '%' => new SpecialOperand(word),
            _ => throw new PtxException(tokens[at - 1].Line, $"{word} is not declared"),
        };
    }

    private ConstantOperand Constant()
    {
        var negative = Take("-");
        var number = Next();
        if (number.Length > 2 && number[0] == '0' && number[1] is 'f' or 'F')
            return Float(BitConverter.UInt32BitsToSingle(
                uint.Parse(number.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)), negative);
        if (number.Length > 2 && number[0] == '0' && number[1] is 'd' or 'D')
            return Float(BitConverter.UInt64BitsToDouble(
                ulong.Parse(number.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)), negative);
        if (number.Contains('.', StringComparison.Ordinal)) return Float(double.Parse(number, CultureInfo.InvariantCulture), negative);
        var integer = Integer(number);
        return new ConstantOperand(negative ? -integer : integer, IsFloat: false);
    }

    private static ConstantOperand Float(double value, bool negative) =>
        new(BitConverter.DoubleToInt64Bits(negative ? -value : value), IsFloat: true);

    private long Integer(string number)
    {
        number = number.TrimEnd('U');
        var hexadecimal = number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(hexadecimal ? number.AsSpan(2) : number, hexadecimal ? NumberStyles.HexNumber : NumberStyles.None,
            CultureInfo.InvariantCulture, out var value)
            ? unchecked((long)value)
            : throw new PtxException(tokens[at - 1].Line, $"'{number}' is no number");
    }

    private long Signed() => Take("-") ? -Integer(Next()) : Integer(Next());

    private int Number() => checked((int)Integer(Next()));

    private List<int> Numbers()
    {
        var numbers = new List<int> { Number() };
        while (Take(",")) numbers.Add(Number());
        return numbers;
    }

    private PtxType Type()
    {
        var word = Next();
        return PtxType.Parse(word[1..]) ?? throw new PtxException(tokens[at - 1].Line, $"{word} is no type that the machine knows");
    }

    private T Find<T>(string word)
        where T : class => Lookup(word) as T ?? throw new PtxException(tokens[at - 1].Line, $"{word} is no {typeof(T).Name}");

    private object? Lookup(string word) => scopes.Select(scope => scope.GetValueOrDefault(word)).FirstOrDefault(found => found is not null);

    private void SkipStatement()
    {
        while (!Take(";")) Next();
    }

    private void SkipSection()
    {
        while (!Take("}")) Next();
    }

    private string Peek() => at < tokens.Count ? tokens[at].Text
        : throw new PtxException(Line, "the text ends in the middle of a statement");

    private string Next()
    {
        var word = Peek();
        at++;
        return word;
    }

    private bool Take(string word)
    {
        if (at >= tokens.Count || tokens[at].Text != word) return false;
        at++;
        return true;
    }

    private void Expect(string word)
    {
        if (!Take(word)) throw new PtxException(Line, $"'{Peek()}' where '{word}' should be");
    }
}
