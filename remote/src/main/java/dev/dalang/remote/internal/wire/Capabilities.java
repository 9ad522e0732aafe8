package dev.dalang.remote.internal.wire;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What one side can do, as it says in JSON. What is not said has the protocol's default.
 *
 * @param maxMsgFds most descriptors that it takes in one message
 * @param maxDataXferSize most bytes that a transfer may have
 * @param maxDmaMaps most pieces of memory
 * @param pgsizes sizes of pages that pieces may be multiples of, as bits
 * @param twinSocket whether requests of the server go over a second socket
 * @param writeMultiple whether several writes may come in one message
 * @param migration sizes for migration
 */
public record Capabilities(
        OptionalInt maxMsgFds,
        OptionalLong maxDataXferSize,
        OptionalLong maxDmaMaps,
        OptionalLong pgsizes,
        Optional<TwinSocket> twinSocket,
        Optional<Boolean> writeMultiple,
        Optional<Migration> migration) {
    /** The most descriptors that a side may claim to take. */
    public static final int MAX_MSG_FDS = 1024;

    /** Nothing said. */
    public static final Capabilities NONE =
            new Capabilities(
                    OptionalInt.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    OptionalLong.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());

    /**
     * A second socket.
     *
     * @param supported whether it is wanted
     * @param fdIndex which of the reply's descriptors it is
     */
    public record TwinSocket(boolean supported, OptionalInt fdIndex) {}

    /**
     * Sizes for migration.
     *
     * @param pgsize of what the log of dirty pages counts
     * @param maxBitmapSize most bytes of such a log at a time
     */
    public record Migration(OptionalLong pgsize, OptionalLong maxBitmapSize) {}

    /** Long enough for anybody; a bound for what is read. */
    private static final int MAX_BYTES = 1 << 16;

    private static final int MAX_DEPTH = 16;
    private static final long UNSIGNED_INT = 0xffff_ffffL;

    private static final JsonFactory FACTORY =
            JsonFactory.builder()
                    .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                    .streamReadConstraints(
                            StreamReadConstraints.builder()
                                    .maxNestingDepth(MAX_DEPTH)
                                    .maxDocumentLength(MAX_BYTES)
                                    .build())
                    .build();

    /**
     * Reads what a peer says. Keys that are not known are passed over.
     *
     * @throws Refusal if it is no such text, or a value cannot be
     */
    static Capabilities parse(byte[] json) {
        // A parser of bytes would guess at other encodings.
        String text;
        try {
            text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(json)).toString();
        } catch (CharacterCodingException malformed) {
            throw Refusal.invalid("VERSION: the capabilities are not UTF-8");
        }
        try (JsonParser from = FACTORY.createParser(ObjectReadContext.empty(), text)) {
            Reader reader = new Reader();
            expect(from, from.nextToken(), JsonToken.START_OBJECT);
            while (from.nextToken() == JsonToken.PROPERTY_NAME) {
                boolean isKnown = from.currentName().equals("capabilities");
                JsonToken value = from.nextToken();
                if (isKnown) {
                    expect(from, value, JsonToken.START_OBJECT);
                    reader.readAll(from);
                } else {
                    from.skipChildren();
                }
            }
            Refusal.unless(from.nextToken() == null, "VERSION: more than one text");
            return reader.result();
        } catch (JacksonException malformed) {
            throw Refusal.invalid("VERSION: " + malformed.getOriginalMessage());
        }
    }

    private static void expect(JsonParser from, JsonToken token, JsonToken expected) {
        Refusal.unless(
                token == expected,
                "VERSION: expected %s at %s, got %s"
                        .formatted(expected, from.currentTokenLocation().getColumnNr(), token));
    }

    private static long number(JsonParser from, long least, long most) {
        String name = from.currentName();
        expect(from, from.nextToken(), JsonToken.VALUE_NUMBER_INT);
        long value = from.getLongValue();
        Refusal.unless(
                value >= least && value <= most,
                "VERSION: %s: expected %d..%d, got %d".formatted(name, least, most, value));
        return value;
    }

    private static boolean bool(JsonParser from) {
        JsonToken value = from.nextToken();
        if (value != JsonToken.VALUE_TRUE) {
            expect(from, value, JsonToken.VALUE_FALSE);
        }
        return value == JsonToken.VALUE_TRUE;
    }

    /** Collects values as they come. */
    private static final class Reader {
        private OptionalInt maxMsgFds = OptionalInt.empty();
        private OptionalLong maxDataXferSize = OptionalLong.empty();
        private OptionalLong maxDmaMaps = OptionalLong.empty();
        private OptionalLong pgsizes = OptionalLong.empty();
        private Optional<TwinSocket> twinSocket = Optional.empty();
        private Optional<Boolean> writeMultiple = Optional.empty();
        private Optional<Migration> migration = Optional.empty();

        void readAll(JsonParser from) {
            while (from.nextToken() == JsonToken.PROPERTY_NAME) {
                switch (from.currentName()) {
                    case "max_msg_fds" ->
                            maxMsgFds = OptionalInt.of((int) number(from, 0, MAX_MSG_FDS));
                    case "max_data_xfer_size" ->
                            maxDataXferSize = OptionalLong.of(number(from, 1, UNSIGNED_INT));
                    case "max_dma_maps" ->
                            maxDmaMaps = OptionalLong.of(number(from, 0, UNSIGNED_INT));
                    case "pgsizes" -> pgsizes = OptionalLong.of(number(from, 1, Long.MAX_VALUE));
                    case "twin_socket" -> twinSocket = Optional.of(twinSocket(from));
                    case "write_multiple" -> writeMultiple = Optional.of(bool(from));
                    case "migration" -> migration = Optional.of(migration(from));
                    default -> skip(from);
                }
            }
        }

        private static void skip(JsonParser from) {
            from.nextToken();
            from.skipChildren();
        }

        private static TwinSocket twinSocket(JsonParser from) {
            boolean supported = false;
            OptionalInt index = OptionalInt.empty();
            expect(from, from.nextToken(), JsonToken.START_OBJECT);
            while (from.nextToken() == JsonToken.PROPERTY_NAME) {
                switch (from.currentName()) {
                    case "supported" -> supported = bool(from);
                    case "fd_index" -> index = OptionalInt.of((int) number(from, 0, MAX_MSG_FDS));
                    default -> skip(from);
                }
            }
            return new TwinSocket(supported, index);
        }

        private static Migration migration(JsonParser from) {
            OptionalLong page = OptionalLong.empty();
            OptionalLong bitmap = OptionalLong.empty();
            expect(from, from.nextToken(), JsonToken.START_OBJECT);
            while (from.nextToken() == JsonToken.PROPERTY_NAME) {
                switch (from.currentName()) {
                    case "pgsize" -> {
                        long size = number(from, 1, 1L << 62);
                        Refusal.unless(
                                Long.bitCount(size) == 1,
                                "VERSION: expected a page size that is a power of two, got "
                                        + size);
                        page = OptionalLong.of(size);
                    }
                    case "max_bitmap_size" ->
                            bitmap = OptionalLong.of(number(from, 0, Long.MAX_VALUE));
                    default -> skip(from);
                }
            }
            return new Migration(page, bitmap);
        }

        Capabilities result() {
            return new Capabilities(
                    maxMsgFds,
                    maxDataXferSize,
                    maxDmaMaps,
                    pgsizes,
                    twinSocket,
                    writeMultiple,
                    migration);
        }
    }

    /** It as text, without the end that the protocol wants. */
    byte[] json() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (JsonGenerator to = FACTORY.createGenerator(ObjectWriteContext.empty(), bytes)) {
            to.writeStartObject();
            to.writeObjectPropertyStart("capabilities");
            maxMsgFds.ifPresent(value -> to.writeNumberProperty("max_msg_fds", value));
            maxDataXferSize.ifPresent(value -> to.writeNumberProperty("max_data_xfer_size", value));
            maxDmaMaps.ifPresent(value -> to.writeNumberProperty("max_dma_maps", value));
            pgsizes.ifPresent(value -> to.writeNumberProperty("pgsizes", value));
            twinSocket.ifPresent(
                    twin -> {
                        to.writeObjectPropertyStart("twin_socket");
                        to.writeBooleanProperty("supported", twin.supported);
                        twin.fdIndex.ifPresent(index -> to.writeNumberProperty("fd_index", index));
                        to.writeEndObject();
                    });
            writeMultiple.ifPresent(value -> to.writeBooleanProperty("write_multiple", value));
            migration.ifPresent(
                    sizes -> {
                        to.writeObjectPropertyStart("migration");
                        sizes.pgsize.ifPresent(value -> to.writeNumberProperty("pgsize", value));
                        sizes.maxBitmapSize.ifPresent(
                                value -> to.writeNumberProperty("max_bitmap_size", value));
                        to.writeEndObject();
                    });
            to.writeEndObject();
            to.writeEndObject();
        }
        return bytes.toByteArray();
    }
}
