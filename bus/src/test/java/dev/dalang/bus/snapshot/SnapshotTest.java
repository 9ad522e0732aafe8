package dev.dalang.bus.snapshot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

class SnapshotTest {
    private static Snapshot inner(long x) {
        return Snapshot.builder("inner", 1).put("x", x).build();
    }

    private static Snapshot.Builder sample() {
        return Snapshot.builder("sample", 3)
                .put("number", -5)
                .put("flag", true)
                .put("text", "hello")
                .put("bytes", new byte[] {1, 2, 3})
                .put("longs", new long[] {1, -1})
                .put("inner", inner(7))
                .put("list", List.of(inner(1), inner(2)));
    }

    private static void refuses(ThrowingCallable call, String... parts) {
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(call)
                .satisfies(e -> assertThat(e.getMessage()).contains(parts));
    }

    @Test
    void fieldsComeBackAsTheyWentIn() {
        Snapshot snapshot = sample().build();
        assertThat(snapshot.type()).isEqualTo("sample");
        assertThat(snapshot.version()).isEqualTo(3);
        assertThat(snapshot.expect("sample", 3)).isSameAs(snapshot);
        assertThat(snapshot.getLong("number")).isEqualTo(-5);
        assertThat(snapshot.getInt("number", -5, 0)).isEqualTo(-5);
        assertThat(snapshot.getBoolean("flag")).isTrue();
        assertThat(snapshot.getString("text")).isEqualTo("hello");
        assertThat(snapshot.getBytes("bytes", 3)).containsExactly(1, 2, 3);
        assertThat(snapshot.getLongs("longs", 2)).containsExactly(1, -1);
        assertThat(snapshot.getSnapshot("inner")).isEqualTo(inner(7));
        assertThat(snapshot.getList("list")).containsExactly(inner(1), inner(2));
        assertThat(snapshot.getList("list", 2)).hasSize(2);
        assertThat(snapshot.has("text")).isTrue();
        assertThat(snapshot.has("absent")).isFalse();
        assertThat(snapshot.fields().keySet())
                .containsExactly("bytes", "flag", "inner", "list", "longs", "number", "text");
    }

    @Test
    void whatIsNotAsExpectedIsNamed() {
        Snapshot snapshot = sample().build();
        refuses(() -> snapshot.expect("other", 3), "other", "sample");
        refuses(() -> snapshot.expect("sample", 4), "version 4", "version 3");
        refuses(() -> snapshot.getLong("absent"), "sample", "absent", "missing");
        refuses(() -> snapshot.getInt("number", 0, 9), "sample.number", "0..9", "-5");
        refuses(() -> snapshot.getBoolean("number"), "0..1");
        refuses(() -> snapshot.getBytes("bytes", 2), "at most 2", "3");
        refuses(() -> snapshot.getLongs("longs", 3), "3 values", "16 bytes");
        refuses(() -> snapshot.getList("list", 3), "expected 3", "got 2");
    }

    @Test
    void everyAccessorRefusesEveryOtherKind() {
        Snapshot snapshot = sample().build();
        List<Consumer<String>> accessors =
                List.of(
                        snapshot::getLong,
                        snapshot::getString,
                        name -> snapshot.getBytes(name, 100),
                        snapshot::getSnapshot,
                        snapshot::getList);
        List<String> names = List.of("number", "text", "bytes", "inner", "list");
        for (int accessor = 0; accessor < accessors.size(); accessor++) {
            for (int field = 0; field < names.size(); field++) {
                Consumer<String> get = accessors.get(accessor);
                String name = names.get(field);
                if (accessor == field) {
                    get.accept(name);
                } else {
                    refuses(() -> get.accept(name), "sample." + name, "expected", "got");
                }
            }
        }
    }

    @Test
    void aSnapshotCannotBeChangedFromOutside() {
        byte[] bytes = {1, 2, 3};
        List<Snapshot> list = new ArrayList<>(List.of(inner(1)));
        Snapshot snapshot = Snapshot.builder("s", 1).put("bytes", bytes).put("list", list).build();
        bytes[0] = 9;
        list.clear();
        snapshot.getBytes("bytes", 3)[1] = 9;
        ((byte[]) snapshot.fields().get("bytes"))[2] = 9;
        assertThat(snapshot.getBytes("bytes", 3)).containsExactly(1, 2, 3);
        assertThat(snapshot.getList("list")).hasSize(1);
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> snapshot.fields().clear());
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> snapshot.getList("list").clear());
    }

    @Test
    void equalityIsByContent() {
        assertThat(sample().build())
                .isEqualTo(sample().build())
                .hasSameHashCodeAs(sample().build());
        assertThat(sample().put("more", 1).build()).isNotEqualTo(sample().build());
        assertThat(inner(1)).isNotEqualTo(inner(2)).isNotEqualTo("inner");
        assertThat(Snapshot.builder("a", 1).build())
                .isNotEqualTo(Snapshot.builder("b", 1).build())
                .isNotEqualTo(Snapshot.builder("a", 2).build());
        assertThat(Snapshot.builder("a", 1).put("x", new byte[] {1}).build())
                .isNotEqualTo(Snapshot.builder("a", 1).put("x", new byte[] {2}).build())
                .isNotEqualTo(Snapshot.builder("a", 1).put("x", 1).build())
                .isNotEqualTo(Snapshot.builder("a", 1).put("y", new byte[] {1}).build());
        assertThat(sample().build().toString())
                .contains("sample v3", "number=-5", "inner v1 {x=7}");
        assertThat(Snapshot.builder("a", 1).put("b", new byte[33]).put("t", "x".repeat(81)).build())
                .hasToString("a v1 {b=33 bytes, t=81 characters}");
    }

    @Test
    void namesAreUniqueAndBounded() {
        refuses(() -> sample().put("number", 1), "number", "twice");
        refuses(() -> sample().put("", 1), "1..128", "got 0");
        refuses(() -> sample().put("x".repeat(129), 1), "129");
        refuses(() -> Snapshot.builder("", 1), "type");
        refuses(() -> Snapshot.builder("x".repeat(129), 1), "129");
        refuses(() -> Snapshot.builder("x", -1), "-1");
        assertThat(sample().put("x".repeat(128), 1).build().has("x".repeat(128))).isTrue();
    }

    @Test
    void depthIsBounded() {
        Snapshot nested = inner(1);
        for (int depth = 2; depth <= Snapshot.MAX_DEPTH; depth++) {
            nested = Snapshot.builder("s", 1).put("in", nested).build();
        }
        Snapshot deepest = nested;
        refuses(() -> Snapshot.builder("s", 1).put("in", deepest), "depth", "32");
        refuses(() -> Snapshot.builder("s", 1).put("in", List.of(deepest)), "depth", "32");
    }

    @Test
    void sizesAreBounded() {
        refuses(
                () -> sample().put("t", "x".repeat(Snapshot.MAX_TEXT_LENGTH + 1)),
                "at most 1048576",
                "1048577");
        refuses(
                () -> sample().put("l", Collections.nCopies(Snapshot.MAX_ELEMENTS + 1, inner(1))),
                "at most 65536",
                "65537");
        Snapshot.Builder wide = Snapshot.builder("wide", 1);
        for (int i = 0; i < Snapshot.MAX_ELEMENTS; i++) {
            wide.put("f" + i, i);
        }
        refuses(() -> wide.put("one-more", 1), "at most 65536 fields");
    }

    @Test
    void sharedPartsCountEachTime() {
        // Doubling at each level would make a walk take 2^30 steps.
        assertThatExceptionOfType(SnapshotException.class)
                .isThrownBy(
                        () -> {
                            Snapshot doubled = inner(1);
                            for (int i = 0; i < 30; i++) {
                                doubled =
                                        Snapshot.builder("s", 1)
                                                .put("a", doubled)
                                                .put("b", doubled)
                                                .build();
                            }
                        })
                .withMessageContaining("16777216");
    }

    @Test
    @SuppressWarnings({"unchecked", "rawtypes"})
    void aPollutedListIsRefused() {
        List polluted = new ArrayList(List.of("not a snapshot"));
        refuses(() -> sample().put("l", (List<Snapshot>) polluted), "expected snapshots", "String");
    }

    @Test
    void randomSnapshotsAnswerEveryQuestionOrRefuseIt() {
        long seed = 5;
        Random random = new Random(seed);
        int answered = 0;
        int refused = 0;
        for (int round = 0; round < 500; round++) {
            Snapshot snapshot = randomSnapshot(random, 4);
            assertThat(snapshot).hasToString(snapshot.toString());
            for (String name : List.of("a", "b", "c", "d", "e")) {
                List<Runnable> questions =
                        List.of(
                                () -> snapshot.getLong(name),
                                () -> snapshot.getInt(name, -1000, 1000),
                                () -> snapshot.getBoolean(name),
                                () -> snapshot.getString(name),
                                () -> snapshot.getBytes(name, 8),
                                () -> snapshot.getLongs(name, 2),
                                () -> snapshot.getSnapshot(name),
                                () -> snapshot.getList(name),
                                () -> snapshot.getList(name, 1));
                for (Runnable question : questions) {
                    try {
                        question.run();
                        answered++;
                    } catch (SnapshotException expected) {
                        refused++;
                    }
                }
            }
        }
        assertThat(answered).as("seed %d", seed).isGreaterThan(500);
        assertThat(refused).as("seed %d", seed).isGreaterThan(500);
    }

    private static Snapshot randomSnapshot(Random random, int depth) {
        Snapshot.Builder builder = Snapshot.builder("random", random.nextInt(3));
        for (String name : List.of("a", "b", "c", "d", "e")) {
            switch (random.nextInt(depth > 0 ? 6 : 4)) {
                case 0 -> builder.put(name, random.nextInt(4000) - 2000L);
                case 1 -> builder.put(name, Integer.toString(random.nextInt()));
                case 2 -> builder.put(name, new byte[random.nextInt(24)]);
                case 3 -> {} // missing
                case 4 -> builder.put(name, randomSnapshot(random, depth - 1));
                default ->
                        builder.put(
                                name,
                                Collections.nCopies(
                                        random.nextInt(3), randomSnapshot(random, depth - 1)));
            }
        }
        return builder.build();
    }
}
