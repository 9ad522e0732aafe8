package dev.dalang.tables.aml;

import static dev.dalang.tables.aml.AmlTest.hex;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

/** By hand from §20.2.5.3 and §20.2.5.4. */
class AmlCodeTest {
    private static final AmlValue TWO = Aml.integer(2);

    @Test
    void storesNameTheirTargetLast() {
        assertThat(hex(AmlCode.store(TWO, Aml.local(0)))).isEqualTo("70 0a 02 60");
        assertThat(hex(AmlCode.setBits(Aml.path("CDW1"), Aml.integer(0x10))))
                .isEqualTo("7d 43 44 57 31 0a 10 43 44 57 31");
        assertThat(hex(AmlCode.keepBits(Aml.local(1), TWO))).isEqualTo("7b 61 0a 02 61");
    }

    @Test
    void expressionsLeaveTheirTargetOut() {
        AmlValue a = Aml.arg(0);
        AmlValue b = Aml.arg(1);

        assertThat(hex(AmlCode.add(a, b))).isEqualTo("72 68 69 00");
        assertThat(hex(AmlCode.subtract(a, b))).isEqualTo("74 68 69 00");
        assertThat(hex(AmlCode.shiftLeft(a, b))).isEqualTo("79 68 69 00");
        assertThat(hex(AmlCode.shiftRight(a, b))).isEqualTo("7a 68 69 00");
        assertThat(hex(AmlCode.and(a, b))).isEqualTo("7b 68 69 00");
        assertThat(hex(AmlCode.or(a, b))).isEqualTo("7d 68 69 00");
        assertThat(hex(AmlCode.xor(a, b))).isEqualTo("7f 68 69 00");
        assertThat(hex(AmlCode.not(a))).isEqualTo("80 68 00");
        assertThat(hex(AmlCode.equal(a, b))).isEqualTo("93 68 69");
        assertThat(hex(AmlCode.greater(a, b))).isEqualTo("94 68 69");
        assertThat(hex(AmlCode.less(a, b))).isEqualTo("95 68 69");
        assertThat(hex(AmlCode.both(a, b))).isEqualTo("90 68 69");
        assertThat(hex(AmlCode.either(a, b))).isEqualTo("91 68 69");
        assertThat(hex(AmlCode.isFalse(AmlCode.equal(a, b)))).isEqualTo("92 93 68 69");
    }

    @Test
    void conditionsAndLoopsAreBlocks() {
        AmlTerm leave = AmlCode.leaveLoop();

        assertThat(hex(AmlCode.when(Aml.arg(0), leave))).isEqualTo("a0 03 68 a5");
        assertThat(hex(AmlCode.otherwise(leave))).isEqualTo("a1 02 a5");
        assertThat(hex(AmlCode.loop(Aml.integer(1), leave))).isEqualTo("a2 03 01 a5");
    }

    @Test
    void objectsAreReachedByReference() {
        assertThat(hex(AmlCode.sizeOf(Aml.arg(3)))).isEqualTo("87 6b");
        assertThat(hex(AmlCode.index(Aml.arg(3), TWO))).isEqualTo("88 6b 0a 02 00");
        assertThat(hex(AmlCode.derefOf(AmlCode.index(Aml.arg(3), TWO))))
                .isEqualTo("83 88 6b 0a 02 00");
    }

    @Test
    void callsAndNotificationsNameTheirObject() {
        assertThat(hex(AmlCode.call("DOIT", TWO, Aml.local(0)))).isEqualTo("44 4f 49 54 0a 02 60");
        assertThat(hex(AmlCode.tell(Aml.path("PE08"), TWO))).isEqualTo("86 50 45 30 38 0a 02");
    }

    @Test
    void mutexesAreTakenWithATimeout() {
        assertThat(hex(AmlCode.acquire(Aml.path("LOCK"), 0xffff)))
                .isEqualTo("5b 23 4c 4f 43 4b ff ff");
        assertThat(hex(AmlCode.release(Aml.path("LOCK")))).isEqualTo("5b 27 4c 4f 43 4b");
        assertThatThrownBy(() -> AmlCode.acquire(Aml.path("LOCK"), 0x10000))
                .isInstanceOf(AmlException.class);
    }
}
