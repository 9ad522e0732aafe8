package dev.dalang.pci;

import dev.dalang.bus.interrupt.MsiMessage;

import java.util.List;

/** A router in front of another, of which some calls do more. */
class ForwardingRouter implements MsiRouter {
    private final MsiRouter router;

    ForwardingRouter(MsiRouter router) {
        this.router = router;
    }

    @Override
    public int allocate(MsiSource source, int vector) {
        return router.allocate(source, vector);
    }

    @Override
    public void allocateAt(MsiSource source, int vector, int handle) {
        router.allocateAt(source, vector, handle);
    }

    @Override
    public void route(MsiSource source, int handle, MsiMessage message) {
        router.route(source, handle, message);
    }

    @Override
    public void release(int handle) {
        router.release(handle);
    }

    @Override
    public boolean signal(int handle) {
        return router.signal(handle);
    }

    @Override
    public List<Integer> keepDescriptors() {
        return router.keepDescriptors();
    }
}
