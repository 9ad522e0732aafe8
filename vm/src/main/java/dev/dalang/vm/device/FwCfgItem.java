package dev.dalang.vm.device;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Consumer;

/** One item of {@link FwCfg}: its bytes, and whether the guest may write them. */
final class FwCfgItem {
    private final String name;
    private final MemorySegment content;
    private final Consumer<byte[]> onWrite;
    private final boolean writable;

    /** An item of the host's bytes. */
    FwCfgItem(String name, MemorySegment content) {
        this.name = name;
        this.content = content.asReadOnly();
        this.onWrite = _ -> {};
        this.writable = false;
    }

    /** An item that the guest may write; {@code onWrite} gets a copy of the whole each time. */
    FwCfgItem(String name, byte[] initial, Consumer<byte[]> onWrite) {
        this.name = name;
        this.content = MemorySegment.ofArray(initial.clone());
        this.onWrite = onWrite;
        this.writable = true;
    }

    String name() {
        return name;
    }

    MemorySegment content() {
        return content;
    }

    long size() {
        return content.byteSize();
    }

    boolean isWritable() {
        return writable;
    }

    byte[] copy() {
        return content.toArray(ValueLayout.JAVA_BYTE);
    }

    void written() {
        onWrite.accept(copy());
    }
}
