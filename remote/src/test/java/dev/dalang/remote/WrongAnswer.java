package dev.dalang.remote;

import dev.dalang.remote.internal.wire.Header;

import java.util.Arrays;

/** An answer that is none to the question that was asked. */
enum WrongAnswer {
    OTHER_ID {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return reply(header.id() + 1, header.command(), 1, payload);
        }
    },
    OTHER_COMMAND {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return reply(header.id(), header.command() == 9 ? 10 : 9, 1, payload);
        }
    },
    NO_COMMAND {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return reply(header.id(), 0xffff, 1, payload);
        }
    },
    TOO_SHORT {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return payload.length == 0
                    ? sized(header, 15, new byte[0])
                    : reply(header.id(), header.command(), 1, new byte[payload.length - 1]);
        }
    },
    TOO_LONG {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return reply(
                    header.id(),
                    header.command(),
                    1,
                    Arrays.copyOf(new byte[] {9, 9, 9, 9, 9, 9}, payload.length + 7));
        }
    },
    NO_SIZE {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return sized(header, 0, payload);
        }
    },
    HUGE {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return sized(header, 0x7fff_ffff, payload);
        }
    },
    NEGATIVE {
        @Override
        byte[] answer(Header header, byte[] payload) {
            return sized(header, -1, payload);
        }
    },
    TWICE {
        @Override
        byte[] answer(Header header, byte[] payload) {
            byte[] once = reply(header.id(), header.command(), 1, payload);
            byte[] both = Arrays.copyOf(once, 2 * once.length);
            System.arraycopy(once, 0, both, once.length, once.length);
            return both;
        }
    };

    abstract byte[] answer(Header header, byte[] payload);

    static byte[] reply(int id, int command, int flags, byte[] payload) {
        return ScriptServer.message(
                new Header(id, command, Header.BYTES + payload.length, flags, 0), payload);
    }

    static byte[] sized(Header header, int size, byte[] payload) {
        return ScriptServer.message(new Header(header.id(), header.command(), size, 1, 0), payload);
    }
}
