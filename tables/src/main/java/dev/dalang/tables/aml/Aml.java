package dev.dalang.tables.aml;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * Makes data and declarations of named objects (ACPI 6.5 §20.2.3, §20.2.5.1, §20.2.5.2).
 *
 * <p>A path is written as in ASL: {@code \_SB.PC00} from the root, {@code ^NAME} from the parent,
 * {@code NAME} from here on; segments of fewer than four characters are filled with underscores.
 * All methods throw {@link AmlException} for a path or a number that cannot be expressed.
 */
public final class Aml {
    private static final int NAME_OP = 0x08;
    private static final int STRING_PREFIX = 0x0d;
    private static final int SCOPE_OP = 0x10;
    private static final int BUFFER_OP = 0x11;
    private static final int PACKAGE_OP = 0x12;
    private static final int METHOD_OP = 0x14;
    private static final int EXTERNAL_OP = 0x15;
    private static final int LOCAL0_OP = 0x60;
    private static final int ARG0_OP = 0x68;
    private static final int MUTEX_OP = 0x5b01;
    private static final int REGION_OP = 0x5b80;
    private static final int FIELD_OP = 0x5b81;
    private static final int DEVICE_OP = 0x5b82;
    private static final int POWER_RESOURCE_OP = 0x5b84;
    private static final int CREATE_DWORD_FIELD_OP = 0x8a;
    private static final int IF_OP = 0xa0;

    private static final int MAX_ARGUMENTS = 7;
    private static final int MAX_LOCALS = 8;
    private static final int SERIALIZED = 1 << 3;
    private static final int LOCK = 1 << 4;

    private static final Pattern EISA_ID = Pattern.compile("[A-Z]{3}[0-9A-F]{4}");

    private Aml() {}

    // ---- data -------------------------------------------------------------------------------

    /**
     * {@return a constant, in its shortest form}
     *
     * @param value 64 bits, unsigned
     */
    public static AmlValue integer(long value) {
        return new AmlBytes().integer(value).toTerm();
    }

    /**
     * {@return a string}
     *
     * @param text ASCII without null characters
     */
    public static AmlValue string(String text) {
        if (text.chars().anyMatch(c -> c < 1 || c > 0x7f)) {
            throw new AmlException(
                    "a string: expected ASCII without null characters, got \"%s\"".formatted(text));
        }
        return new AmlBytes()
                .octet(STRING_PREFIX)
                .bytes(text.getBytes(StandardCharsets.US_ASCII))
                .octet(0)
                .toTerm();
    }

    /**
     * {@return a string of 16-bit characters as a buffer, as {@code _STR} wants it}
     *
     * @param text any text
     */
    public static AmlValue unicode(String text) {
        return buffer((text + "\0").getBytes(StandardCharsets.UTF_16LE));
    }

    /**
     * {@return a buffer}
     *
     * @param content the bytes, which are copied
     */
    public static AmlValue buffer(byte[] content) {
        return new AmlBytes()
                .op(BUFFER_OP)
                .packaged(new AmlBytes().integer(content.length).bytes(content))
                .toTerm();
    }

    /**
     * {@return a package}
     *
     * @param elements at most 255
     */
    public static AmlValue packageOf(AmlValue... elements) {
        return packageOf(List.of(elements));
    }

    /**
     * {@return a package}
     *
     * @param elements at most 255
     */
    public static AmlValue packageOf(Collection<? extends AmlValue> elements) {
        if (elements.size() > 0xff) {
            throw new AmlException(
                    "a package: expected at most 255 elements, got " + elements.size());
        }
        return new AmlBytes()
                .op(PACKAGE_OP)
                .packaged(new AmlBytes().octet(elements.size()).terms(elements))
                .toTerm();
    }

    /**
     * {@return the number that stands for a plug-and-play id, as in {@code _HID}} (§19.6.37)
     *
     * @param id three capital letters and four hexadecimal digits, such as {@code PNP0A08}
     */
    public static AmlValue eisaId(String id) {
        if (!EISA_ID.matcher(id).matches()) {
            throw new AmlException(
                    "an EISA id: expected three capital letters and four hexadecimal digits, got"
                            + " \"%s\"".formatted(id));
        }
        int compressed = 0;
        for (int i = 0; i < 3; i++) {
            compressed = compressed << 5 | id.charAt(i) - '@';
        }
        int bigEndian = compressed << Short.SIZE | Integer.parseInt(id.substring(3), 16);
        return integer(Integer.toUnsignedLong(Integer.reverseBytes(bigEndian)));
    }

    /**
     * {@return the buffer of 16 bytes that stands for a UUID} Its first three groups are
     * little-endian (§19.6.142).
     *
     * @param uuid the UUID
     */
    public static AmlValue uuid(UUID uuid) {
        long high = uuid.getMostSignificantBits();
        return buffer(
                new AmlBytes()
                        .dword((int) (high >>> Integer.SIZE))
                        .word((int) (high >>> Short.SIZE))
                        .word((int) high)
                        .qword(Long.reverseBytes(uuid.getLeastSignificantBits()))
                        .toBytes());
    }

    /**
     * {@return a named object, referred to or, in a package, named}
     *
     * @param path its path
     */
    public static AmlTarget path(String path) {
        return new AmlBytes().name(path).toTerm();
    }

    /**
     * {@return an argument of the method}
     *
     * @param index 0..6
     */
    public static AmlTarget arg(int index) {
        return indexed(ARG0_OP, index, MAX_ARGUMENTS, "an argument");
    }

    /**
     * {@return a local object of the method}
     *
     * @param index 0..7
     */
    public static AmlTarget local(int index) {
        return indexed(LOCAL0_OP, index, MAX_LOCALS, "a local object");
    }

    private static AmlTarget indexed(int firstOp, int index, int count, String what) {
        if (index < 0 || index >= count) {
            throw new AmlException("%s: expected 0..%d, got %d".formatted(what, count - 1, index));
        }
        return new AmlBytes().op(firstOp + index).toTerm();
    }

    // ---- declarations -----------------------------------------------------------------------

    /**
     * {@return declarations in a scope that exists}
     *
     * @param path the scope
     * @param terms what it gets
     */
    public static AmlTerm scope(String path, AmlTerm... terms) {
        return scope(path, List.of(terms));
    }

    /**
     * {@return declarations in a scope that exists}
     *
     * @param path the scope
     * @param terms what it gets
     */
    public static AmlTerm scope(String path, Collection<? extends AmlTerm> terms) {
        return block(SCOPE_OP, new AmlBytes().name(path).terms(terms));
    }

    /**
     * {@return a name for a value}
     *
     * @param path the name
     * @param value data, or the path of another object
     */
    public static AmlTerm name(String path, AmlValue value) {
        return new AmlBytes().op(NAME_OP).name(path).term(value).toTerm();
    }

    /**
     * {@return a name for a constant}
     *
     * @param path the name
     * @param value 64 bits, unsigned
     */
    public static AmlTerm name(String path, long value) {
        return name(path, integer(value));
    }

    /**
     * {@return a device}
     *
     * @param path its name
     * @param terms what stands in it
     */
    public static AmlTerm device(String path, AmlTerm... terms) {
        return device(path, List.of(terms));
    }

    /**
     * {@return a device}
     *
     * @param path its name
     * @param terms what stands in it
     */
    public static AmlTerm device(String path, Collection<? extends AmlTerm> terms) {
        return block(DEVICE_OP, new AmlBytes().name(path).terms(terms));
    }

    /**
     * {@return a method that several threads may be in}
     *
     * @param path its name
     * @param arguments how many arguments it has, 0..7
     * @param terms its statements
     */
    public static AmlTerm method(String path, int arguments, AmlTerm... terms) {
        return method(path, arguments, 0, List.of(terms));
    }

    /**
     * {@return a method that one thread at a time is in} One that declares named objects has to be.
     *
     * @param path its name
     * @param arguments how many arguments it has, 0..7
     * @param terms its statements
     */
    public static AmlTerm serializedMethod(String path, int arguments, AmlTerm... terms) {
        return method(path, arguments, SERIALIZED, List.of(terms));
    }

    private static AmlTerm method(
            String path, int arguments, int flags, List<? extends AmlTerm> terms) {
        if (arguments < 0 || arguments > MAX_ARGUMENTS) {
            throw new AmlException(
                    "the method %s: expected 0..%d arguments, got %d"
                            .formatted(path, MAX_ARGUMENTS, arguments));
        }
        return block(METHOD_OP, new AmlBytes().name(path).octet(arguments | flags).terms(terms));
    }

    /**
     * {@return a mutex}
     *
     * @param path its name
     * @param syncLevel 0..15; a thread takes mutexes of growing level only
     */
    public static AmlTerm mutex(String path, int syncLevel) {
        if (syncLevel < 0 || syncLevel > 15) {
            throw new AmlException(
                    "the mutex %s: expected a level 0..15, got %d".formatted(path, syncLevel));
        }
        return new AmlBytes().op(MUTEX_OP).name(path).octet(syncLevel).toTerm();
    }

    /**
     * {@return a power resource} (§7.2)
     *
     * @param path its name
     * @param systemLevel the deepest sleep state in which it must stay on, 0..4
     * @param resourceOrder 16 bits; resources are switched on in growing order
     * @param terms its methods {@code _STA}, {@code _ON}, {@code _OFF} and what they need
     */
    public static AmlTerm powerResource(
            String path, int systemLevel, int resourceOrder, AmlTerm... terms) {
        if (systemLevel < 0 || systemLevel > 4 || resourceOrder >>> Short.SIZE != 0) {
            throw new AmlException(
                    "the power resource %s: expected a level 0..4 and an order of 16 bits, got %d, %d"
                            .formatted(path, systemLevel, resourceOrder));
        }
        return block(
                POWER_RESOURCE_OP,
                new AmlBytes()
                        .name(path)
                        .octet(systemLevel)
                        .word(resourceOrder)
                        .terms(List.of(terms)));
    }

    /**
     * {@return a region of memory or ports that fields lie in}
     *
     * @param path its name
     * @param space which address space
     * @param offset where it begins; a constant or an expression, which is evaluated when the
     *     region is declared
     * @param length its bytes, likewise
     */
    public static AmlTerm operationRegion(
            String path, RegionSpace space, AmlValue offset, AmlValue length) {
        return new AmlBytes()
                .op(REGION_OP)
                .name(path)
                .octet(space.code())
                .term(offset)
                .term(length)
                .toTerm();
    }

    /**
     * {@return fields of a region}
     *
     * @param region the region's name
     * @param access how wide accesses are
     * @param locked whether an access takes the global lock
     * @param update what is written to the bits of an access that are not the field's
     * @param units the fields, from the region's first bit on
     */
    public static AmlTerm field(
            String region,
            FieldAccess access,
            boolean locked,
            FieldUpdate update,
            FieldUnit... units) {
        AmlBytes content =
                new AmlBytes()
                        .name(region)
                        .octet(access.code() | (locked ? LOCK : 0) | update.code() << 5);
        for (FieldUnit unit : units) {
            unit.name().ifPresentOrElse(content::segment, () -> content.octet(0));
            content.fieldWidth(unit.bits());
        }
        return block(FIELD_OP, content);
    }

    /**
     * {@return a field of 32 bits in a buffer}
     *
     * @param buffer the buffer
     * @param byteIndex where in it
     * @param name the field's name
     */
    public static AmlTerm createDwordField(AmlValue buffer, long byteIndex, String name) {
        return new AmlBytes()
                .op(CREATE_DWORD_FIELD_OP)
                .term(buffer)
                .integer(byteIndex)
                .name(name)
                .toTerm();
    }

    /**
     * {@return the statement that other definition blocks declare objects} It serves disassemblers
     * only, and stands first. Interpreters skip it, also those that do not know the operator.
     *
     * @param objects what they are, by their paths
     */
    public static AmlTerm externals(Map<String, ExternalType> objects) {
        var content = new AmlBytes().integer(0);
        objects.forEach(
                (path, type) -> content.op(EXTERNAL_OP).name(path).octet(type.code()).octet(0));
        return block(IF_OP, content);
    }

    /**
     * The byte code of several terms, as it stands behind the header of a definition block.
     *
     * @param terms the terms
     * @return the bytes
     */
    public static byte[] toBytes(Collection<? extends AmlTerm> terms) {
        return new AmlBytes().terms(terms).toBytes();
    }

    private static AmlTerm block(int op, AmlBytes content) {
        return new AmlBytes().op(op).packaged(content).toTerm();
    }

    /**
     * {@return several terms as one}
     *
     * @param terms the terms, in order
     */
    public static AmlTerm sequence(AmlTerm... terms) {
        return new AmlBytes().terms(Arrays.asList(terms)).toTerm();
    }
}
