package dev.dalang.testkit.net;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;

/** A client of DHCP (RFC 2131). */
public final class GuestDhcp {
    static final int CLIENT_PORT = 68;

    /**
     * What the server gave.
     *
     * @param address the guest's address
     * @param options the options by number, each as its bytes
     */
    public record Lease(InetAddress address, Map<Integer, List<Byte>> options) {
        /**
         * An option that is an address.
         *
         * @param number the option
         * @return the address
         */
        public InetAddress addressOption(int number) {
            List<Byte> bytes = options.getOrDefault(number, List.of());
            byte[] raw = new byte[bytes.size()];
            for (int i = 0; i < raw.length; i++) {
                raw[i] = bytes.get(i);
            }
            return GuestDhcp.address(raw);
        }
    }

    private final GuestStack stack;
    private final Condition replied;
    private final int transaction = 0x0da1_a461;
    private int wantedType;
    private @Nullable Lease reply;

    GuestDhcp(GuestStack stack) {
        this.stack = stack;
        this.replied = stack.lock.newCondition();
    }

    private static InetAddress address(byte[] raw) {
        try {
            return InetAddress.getByAddress(raw);
        } catch (UnknownHostException wrong) {
            throw new AssertionError("expected an address, got " + raw.length + " bytes", wrong);
        }
    }

    Lease run() throws IOException {
        stack.lock.lock();
        try {
            Lease offer = exchange(1, 2, new byte[0]);
            byte[] request = new byte[12];
            ByteBuffer.wrap(request)
                    .putShort(0, (short) (50 << 8 | 4))
                    .put(2, offer.address.getAddress())
                    .putShort(6, (short) (54 << 8 | 4))
                    .put(8, offer.addressOption(54).getAddress());
            Lease lease = exchange(3, 5, request);
            stack.address(lease.address);
            return lease;
        } finally {
            stack.lock.unlock();
        }
    }

    private Lease exchange(int type, int answer, byte[] options) throws IOException {
        for (int tries = 0; tries < 5; tries++) {
            byte[] message = new byte[300];
            ByteBuffer buffer = ByteBuffer.wrap(message);
            buffer.putInt(0, 0x0101_0600).putInt(4, transaction).putShort(10, (short) 0x8000);
            GuestStack.putMac(buffer, 28, stack.mac());
            buffer.putInt(236, 0x6382_5363).put(240, (byte) 53).put(241, (byte) 1);
            buffer.put(242, (byte) type).put(243, options);
            buffer.put(243 + options.length, (byte) 255);
            wantedType = answer;
            reply = null;
            stack.sendUdp(CLIENT_PORT, GuestStack.literal("255.255.255.255"), 67, message);
            long left = 1_000_000_000;
            while (reply == null && left > 0) {
                left = stack.await(replied, left);
            }
            Lease got = reply;
            if (got != null) {
                return got;
            }
        }
        throw new IOException("no answer to the message of type " + type);
    }

    void input(byte[] message) {
        ByteBuffer buffer = ByteBuffer.wrap(message);
        if (message.length < 244 || message[0] != 2 || buffer.getInt(4) != transaction) {
            return;
        }
        byte[] yours = new byte[4];
        buffer.get(16, yours);
        Map<Integer, List<Byte>> options = new TreeMap<>();
        for (int at = 240; at < message.length && message[at] != -1; ) {
            if (message[at] == 0) {
                at++;
                continue;
            }
            List<Byte> value = new ArrayList<>();
            for (int i = 0; i < (message[at + 1] & 0xff); i++) {
                value.add(message[at + 2 + i]);
            }
            options.put(message[at] & 0xff, value);
            at += 2 + value.size();
        }
        if (options.getOrDefault(53, List.of((byte) 0)).getFirst() == wantedType) {
            reply = new Lease(address(yours), options);
            replied.signalAll();
        }
    }
}
