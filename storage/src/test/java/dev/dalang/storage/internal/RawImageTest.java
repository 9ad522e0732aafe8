package dev.dalang.storage.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.storage.DiskException;
import dev.dalang.storage.StorageEvent;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** What a host may do to an image. */
final class RawImageTest {
    private static final int SECTORS = 8;

    private final ScriptedHostFile file = new ScriptedHostFile(SECTORS * 512, true);

    private static MemorySegment filled(int bytes, int value) {
        MemorySegment memory = Arena.ofAuto().allocate(bytes);
        memory.fill((byte) value);
        return memory;
    }

    private static StorageEvent eventOf(Throwable failed) {
        return ((DiskException) failed).event();
    }

    @Test
    void transfersGoOnUntilAllIsDone() throws Exception {
        RawImage image = RawImage.of(file);
        file.step = 100;
        image.write(512, List.of(filled(300, 1), filled(212, 2)));
        assertThat(file.content[511]).isZero();
        assertThat(file.content[512]).isEqualTo((byte) 1);
        assertThat(file.content[1023]).isEqualTo((byte) 2);
        assertThat(file.content[1024]).isZero();
        MemorySegment back = filled(512, 9);
        image.read(512, List.of(back.asSlice(0, 7), back.asSlice(7)));
        assertThat(back.toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo(java.util.Arrays.copyOfRange(file.content, 512, 1024));
    }

    @Test
    void anImageThatHasShrunkGivesErrorsAndIsNotMadeLongerByWrites() throws Exception {
        RawImage image = RawImage.of(file);
        file.content = new byte[1024];
        assertThat(image.sizeBytes()).isEqualTo(SECTORS * 512L);
        assertThatThrownBy(() -> image.read(512, List.of(filled(1024, 0))))
                .hasMessageContaining("ends before byte 1024")
                .satisfies(failed -> assertThat(eventOf(failed)).isEqualTo(StorageEvent.SHRUNK));
        assertThatThrownBy(() -> image.write(1024, List.of(filled(512, 1))))
                .satisfies(failed -> assertThat(eventOf(failed)).isEqualTo(StorageEvent.SHRUNK));
        assertThatThrownBy(() -> image.writeZeroes(1024, 512, true))
                .satisfies(failed -> assertThat(eventOf(failed)).isEqualTo(StorageEvent.SHRUNK));
        assertThatThrownBy(() -> image.discard(1024, 512))
                .satisfies(failed -> assertThat(eventOf(failed)).isEqualTo(StorageEvent.SHRUNK));
        assertThat(file.content).hasSize(1024);
        image.write(512, List.of(filled(512, 1)));
        assertThat(file.content[1023]).isEqualTo((byte) 1);
    }

    @Test
    void aReadNeedsNoWaitingOnlyIfNoneOfItsStepsDoes() throws Exception {
        RawImage image = RawImage.of(file);
        file.content[600] = 7;
        file.step = 512;
        MemorySegment target = filled(1024, 1);
        assertThat(image.readNow(512, List.of(target))).isFalse();
        file.now = 1;
        assertThat(image.readNow(512, List.of(target))).as("half of it").isFalse();
        file.now = 2;
        assertThat(image.readNow(512, List.of(target))).isTrue();
        assertThat(target.get(java.lang.foreign.ValueLayout.JAVA_BYTE, 88)).isEqualTo((byte) 7);
        file.content = new byte[512];
        file.now = 2;
        assertThat(image.readNow(512, List.of(target))).as("it has become shorter").isFalse();
    }

    @Test
    void aFullHostIsToldApartFromABrokenOne() throws Exception {
        RawImage image = RawImage.of(file);
        file.space = 100;
        assertThatThrownBy(() -> image.write(0, List.of(filled(512, 1))))
                .hasMessage("scripted: the host has no space left for it")
                .satisfies(failed -> assertThat(eventOf(failed)).isEqualTo(StorageEvent.NO_SPACE));
        file.failure = new IOException("Input/output error");
        assertThatThrownBy(() -> image.write(0, List.of(filled(512, 1)))).isSameAs(file.failure);
        assertThatThrownBy(() -> image.read(0, List.of(filled(512, 1)))).isSameAs(file.failure);
        assertThatThrownBy(image::flush).isSameAs(file.failure);
    }

    @Test
    void zerosAreWrittenWhereTheHostKnowsNoHoles() throws Exception {
        RawImage image = RawImage.of(file);
        java.util.Arrays.fill(file.content, (byte) 5);
        assertThat(image.discard(0, 512)).isFalse();
        assertThat(file.content[0]).as("a discard may be left undone").isEqualTo((byte) 5);
        assertThat(image.writeZeroes(512, 1024, true)).isFalse();
        assertThat(file.content[511]).isEqualTo((byte) 5);
        assertThat(file.content[512]).isZero();
        assertThat(file.content[1535]).isZero();
        assertThat(file.content[1536]).isEqualTo((byte) 5);
        file.hasHoles = true;
        assertThat(image.writeZeroes(2048, 512, false)).isTrue();
        assertThat(image.discard(2560, 512)).isTrue();
        assertThat(file.content[2047]).isEqualTo((byte) 5);
        assertThat(file.content[3071]).isZero();
    }

    @Test
    void manyZerosAreWrittenInTurns() throws Exception {
        ScriptedHostFile large = new ScriptedHostFile(40 << 20, true);
        java.util.Arrays.fill(large.content, (byte) 5);
        RawImage image = RawImage.of(large);
        image.writeZeroes(512, (40L << 20) - 1024, false);
        assertThat(large.content[511]).isEqualTo((byte) 5);
        assertThat(large.content[(40 << 20) - 512]).isEqualTo((byte) 5);
        for (int at = 512; at < (40 << 20) - 512; at += 509) {
            assertThat(large.content[at]).isZero();
        }
    }

    @Test
    void whatIsNoDiskIsRefusedAndClosed() {
        for (int bytes : new int[] {0, 511, 513}) {
            ScriptedHostFile odd = new ScriptedHostFile(bytes, true);
            assertThatThrownBy(() -> RawImage.of(odd))
                    .hasMessage(
                            "scripted: expected a disk of whole blocks of 512 bytes, found "
                                    + bytes
                                    + " bytes");
            assertThat(odd.isClosed).isTrue();
        }
    }

    @Test
    void anImageThatIsOnlyReadIsNotForced() throws Exception {
        ScriptedHostFile readOnly = new ScriptedHostFile(512, false);
        RawImage image = RawImage.of(readOnly);
        image.flush();
        assertThat(readOnly.forces).isZero();
        RawImage writable = RawImage.of(file);
        writable.flush();
        assertThat(file.forces).isEqualTo(1);
    }

    @Test
    void aResizeThatTheHostRefusesChangesNothing() throws Exception {
        RawImage image = RawImage.of(file);
        file.failure = new IOException("No space left on device");
        assertThatThrownBy(() -> image.resize(1 << 20)).isInstanceOf(DiskException.class);
        assertThat(image.sizeBytes()).isEqualTo(SECTORS * 512L);
        file.failure = null;
        image.resize(1 << 20);
        assertThat(image.sizeBytes()).isEqualTo(1 << 20);
    }
}
