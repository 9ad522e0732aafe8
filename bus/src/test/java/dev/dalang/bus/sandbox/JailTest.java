package dev.dalang.bus.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class JailTest {
    private final List<String> events = new ArrayList<>();

    private final class Device implements Sandboxed {
        private final String name;
        private final List<Integer> descriptors;

        Device(String name, Integer... descriptors) {
            this.name = name;
            this.descriptors = List.of(descriptors);
        }

        @Override
        public List<Integer> keepDescriptors() {
            events.add(name + " keeps");
            return descriptors;
        }

        @Override
        public void onSandboxed() {
            events.add(name + " is inside");
        }

        @Override
        public String toString() {
            return name;
        }
    }

    private void close(Iterable<Integer> keep) {
        events.add("closed but for " + keep);
    }

    @Test
    void allAreAskedThenTheJailClosesThenAllAreTold() {
        Jail jail = this::close;

        jail.enter(List.of(new Device("a", 7, 3), new Device("b", 3, 11)));

        assertThat(events)
                .containsExactly(
                        "a keeps",
                        "b keeps",
                        "closed but for [3, 7, 11]",
                        "a is inside",
                        "b is inside");
    }

    @Test
    void nobodyIsToldOfAJailThatCannotClose() {
        Jail jail =
                _ -> {
                    throw new IllegalStateException("no such jail");
                };

        assertThatExceptionOfType(IllegalStateException.class)
                .isThrownBy(() -> jail.enter(List.of(new Device("a", 1))));

        assertThat(events).containsExactly("a keeps");
    }

    @Test
    void descriptorThatIsNoneIsRefusedBeforeAnythingIsClosed() {
        Jail jail = this::close;

        assertThatIllegalArgumentException()
                .isThrownBy(() -> jail.enter(List.of(new Device("a", 1, -1))))
                .withMessageContaining("a: expected descriptors of 0 or more to keep, got -1");

        assertThat(events).containsExactly("a keeps");
    }

    @Test
    void withoutAJailDevicesAreToldTheSame() {
        Jail.none().enter(List.of(new Device("a", 1)));

        assertThat(events).containsExactly("a keeps", "a is inside");
    }

    @Test
    void deviceNeedNotCare() {
        assertThatNoException().isThrownBy(() -> Jail.none().enter(List.of(new Sandboxed() {})));
    }
}
