package dev.dalang.tables.aml;

import java.util.List;

/** Makes statements and expressions (ACPI 6.5 §20.2.5.3, §20.2.5.4). */
public final class AmlCode {
    private static final int NULL_NAME = 0x00;
    private static final int STORE_OP = 0x70;
    private static final int ADD_OP = 0x72;
    private static final int SUBTRACT_OP = 0x74;
    private static final int SHIFT_LEFT_OP = 0x79;
    private static final int SHIFT_RIGHT_OP = 0x7a;
    private static final int AND_OP = 0x7b;
    private static final int OR_OP = 0x7d;
    private static final int XOR_OP = 0x7f;
    private static final int NOT_OP = 0x80;
    private static final int DEREF_OF_OP = 0x83;
    private static final int NOTIFY_OP = 0x86;
    private static final int SIZE_OF_OP = 0x87;
    private static final int INDEX_OP = 0x88;
    private static final int LAND_OP = 0x90;
    private static final int LOR_OP = 0x91;
    private static final int LNOT_OP = 0x92;
    private static final int LEQUAL_OP = 0x93;
    private static final int LGREATER_OP = 0x94;
    private static final int LLESS_OP = 0x95;
    private static final int IF_OP = 0xa0;
    private static final int ELSE_OP = 0xa1;
    private static final int WHILE_OP = 0xa2;
    private static final int RETURN_OP = 0xa4;
    private static final int BREAK_OP = 0xa5;
    private static final int ACQUIRE_OP = 0x5b23;
    private static final int RELEASE_OP = 0x5b27;

    private AmlCode() {}

    // ---- statements -------------------------------------------------------------------------

    /**
     * {@return a store}
     *
     * @param value what
     * @param target where to
     */
    public static AmlTerm store(AmlValue value, AmlTarget target) {
        return new AmlBytes().op(STORE_OP).term(value).term(target).toTerm();
    }

    /**
     * {@return {@code target |= value}}
     *
     * @param target the place
     * @param value the bits to set
     */
    public static AmlTerm setBits(AmlTarget target, AmlValue value) {
        return binary(OR_OP, target, value, target);
    }

    /**
     * {@return {@code target &= value}}
     *
     * @param target the place
     * @param value the bits to keep
     */
    public static AmlTerm keepBits(AmlTarget target, AmlValue value) {
        return binary(AND_OP, target, value, target);
    }

    /**
     * {@return the end of a method, with its value}
     *
     * @param value the value
     */
    public static AmlTerm returns(AmlValue value) {
        return new AmlBytes().op(RETURN_OP).term(value).toTerm();
    }

    /**
     * {@return what is done under a condition}
     *
     * @param condition a number; what is not zero is true
     * @param then what is done
     */
    public static AmlTerm when(AmlValue condition, AmlTerm... then) {
        return block(IF_OP, new AmlBytes().term(condition).terms(List.of(then)));
    }

    /**
     * {@return what is done otherwise, directly behind {@link #when}}
     *
     * @param otherwise what is done
     */
    public static AmlTerm otherwise(AmlTerm... otherwise) {
        return block(ELSE_OP, new AmlBytes().terms(List.of(otherwise)));
    }

    /**
     * {@return a loop}
     *
     * @param condition while this is not zero
     * @param body what is done
     */
    public static AmlTerm loop(AmlValue condition, AmlTerm... body) {
        return block(WHILE_OP, new AmlBytes().term(condition).terms(List.of(body)));
    }

    /** {@return the end of the innermost loop} */
    public static AmlTerm leaveLoop() {
        return new AmlBytes().op(BREAK_OP).toTerm();
    }

    /**
     * {@return the statement that tells the driver of a device something}
     *
     * @param device the device
     * @param value what (§5.6.6)
     */
    public static AmlTerm tell(AmlTarget device, AmlValue value) {
        return new AmlBytes().op(NOTIFY_OP).term(device).term(value).toTerm();
    }

    /**
     * {@return the acquisition of a mutex; its value is not zero if the time is over}
     *
     * @param mutex the mutex
     * @param timeoutMillis 16 bits; 0xffff waits for ever
     */
    public static AmlValue acquire(AmlTarget mutex, int timeoutMillis) {
        if (timeoutMillis >>> Short.SIZE != 0) {
            throw new AmlException("a timeout: expected 16 bits, got " + timeoutMillis);
        }
        return new AmlBytes().op(ACQUIRE_OP).term(mutex).word(timeoutMillis).toTerm();
    }

    /**
     * {@return the release of a mutex}
     *
     * @param mutex the mutex
     */
    public static AmlTerm release(AmlTarget mutex) {
        return new AmlBytes().op(RELEASE_OP).term(mutex).toTerm();
    }

    // ---- expressions ------------------------------------------------------------------------

    /**
     * {@return the call of a method}
     *
     * @param path the method
     * @param arguments as many as it has
     */
    public static AmlValue call(String path, AmlValue... arguments) {
        return new AmlBytes().name(path).terms(List.of(arguments)).toTerm();
    }

    /**
     * {@return the sum, which wraps}
     *
     * @param left a number
     * @param right a number
     */
    public static AmlValue add(AmlValue left, AmlValue right) {
        return binary(ADD_OP, left, right);
    }

    /**
     * {@return the difference, which wraps}
     *
     * @param left a number
     * @param right what is subtracted
     */
    public static AmlValue subtract(AmlValue left, AmlValue right) {
        return binary(SUBTRACT_OP, left, right);
    }

    /**
     * {@return the number moved to the left}
     *
     * @param value a number
     * @param count by so many bits
     */
    public static AmlValue shiftLeft(AmlValue value, AmlValue count) {
        return binary(SHIFT_LEFT_OP, value, count);
    }

    /**
     * {@return the number moved to the right}
     *
     * @param value a number
     * @param count by so many bits
     */
    public static AmlValue shiftRight(AmlValue value, AmlValue count) {
        return binary(SHIFT_RIGHT_OP, value, count);
    }

    /**
     * {@return the bits that both have}
     *
     * @param left a number
     * @param right a number
     */
    public static AmlValue and(AmlValue left, AmlValue right) {
        return binary(AND_OP, left, right);
    }

    /**
     * {@return the bits that either has}
     *
     * @param left a number
     * @param right a number
     */
    public static AmlValue or(AmlValue left, AmlValue right) {
        return binary(OR_OP, left, right);
    }

    /**
     * {@return the bits in which they differ}
     *
     * @param left a number
     * @param right a number
     */
    public static AmlValue xor(AmlValue left, AmlValue right) {
        return binary(XOR_OP, left, right);
    }

    /**
     * {@return the bits that it has not}
     *
     * @param value a number
     */
    public static AmlValue not(AmlValue value) {
        return new AmlBytes().op(NOT_OP).term(value).octet(NULL_NAME).toTerm();
    }

    /**
     * {@return whether both are equal: numbers, strings, or buffers}
     *
     * @param left one
     * @param right the other
     */
    public static AmlValue equal(AmlValue left, AmlValue right) {
        return logical(LEQUAL_OP, left, right);
    }

    /**
     * {@return whether the left one is less, unsigned}
     *
     * @param left one
     * @param right the other
     */
    public static AmlValue less(AmlValue left, AmlValue right) {
        return logical(LLESS_OP, left, right);
    }

    /**
     * {@return whether the left one is greater, unsigned}
     *
     * @param left one
     * @param right the other
     */
    public static AmlValue greater(AmlValue left, AmlValue right) {
        return logical(LGREATER_OP, left, right);
    }

    /**
     * {@return whether both conditions hold}
     *
     * @param left one
     * @param right the other
     */
    public static AmlValue both(AmlValue left, AmlValue right) {
        return logical(LAND_OP, left, right);
    }

    /**
     * {@return whether one of the conditions holds}
     *
     * @param left one
     * @param right the other
     */
    public static AmlValue either(AmlValue left, AmlValue right) {
        return logical(LOR_OP, left, right);
    }

    /**
     * {@return whether the condition does not hold}
     *
     * @param condition a number
     */
    public static AmlValue isFalse(AmlValue condition) {
        return new AmlBytes().op(LNOT_OP).term(condition).toTerm();
    }

    /**
     * {@return how many bytes or elements a string, a buffer or a package has}
     *
     * @param object the object
     */
    public static AmlValue sizeOf(AmlTarget object) {
        return new AmlBytes().op(SIZE_OF_OP).term(object).toTerm();
    }

    /**
     * {@return the place of an element}
     *
     * @param object a string, a buffer or a package
     * @param index which element
     */
    public static AmlTarget index(AmlValue object, AmlValue index) {
        return new AmlBytes().op(INDEX_OP).term(object).term(index).octet(NULL_NAME).toTerm();
    }

    /**
     * {@return what a reference refers to}
     *
     * @param reference such as {@link #index} gives
     */
    public static AmlTarget derefOf(AmlValue reference) {
        return new AmlBytes().op(DEREF_OF_OP).term(reference).toTerm();
    }

    private static AmlValue binary(int op, AmlValue left, AmlValue right) {
        return new AmlBytes().op(op).term(left).term(right).octet(NULL_NAME).toTerm();
    }

    private static AmlTerm binary(int op, AmlValue left, AmlValue right, AmlTarget target) {
        return new AmlBytes().op(op).term(left).term(right).term(target).toTerm();
    }

    private static AmlValue logical(int op, AmlValue left, AmlValue right) {
        return new AmlBytes().op(op).term(left).term(right).toTerm();
    }

    private static AmlTerm block(int op, AmlBytes content) {
        return new AmlBytes().op(op).packaged(content).toTerm();
    }
}
