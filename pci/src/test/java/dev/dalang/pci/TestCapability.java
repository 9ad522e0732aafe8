package dev.dalang.pci;

/** A capability as a test needs it. */
final class TestCapability implements PciCapability {
    private final int id;
    private final int[] image;
    private final int[] writable;
    private final int[] clear;

    TestCapability(int id, int[] image, int[] writable, int[] clear) {
        this.id = id;
        this.image = image;
        this.writable = writable;
        this.clear = clear;
    }

    static TestCapability readOnly(int id, int... image) {
        return new TestCapability(id, image, new int[image.length], new int[image.length]);
    }

    @Override
    public int id() {
        return id;
    }

    @Override
    public int[] image() {
        return image.clone();
    }

    @Override
    public int[] writableMask() {
        return writable.clone();
    }

    @Override
    public int[] writeOneToClearMask() {
        return clear.clone();
    }
}
