package dev.dalang.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.cli.EscapeFilter.Command;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

class EscapeFilterTest {

    private final List<String> heard = new ArrayList<>();
    private final EscapeFilter filter =
            new EscapeFilter(
                    new EscapeFilter.Listener() {
                        @Override
                        public void typed(byte[] bytes) {
                            heard.add(new String(bytes, StandardCharsets.ISO_8859_1));
                        }

                        @Override
                        public void command(Command command) {
                            heard.add("<" + command + ">");
                        }
                    });

    private void type(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        filter.accept(bytes, bytes.length);
    }

    @Test
    void ordinaryKeysGoToTheGuestUnchanged() {
        type("ls\r\u0003\u0004\u001b[A\u00ff\0");

        assertThat(heard).containsExactly("ls\r\u0003\u0004\u001b[A\u00ff\0");
    }

    @Test
    void eachCommandIsHeardInItsPlace() {
        type("a\u0001xb\u0001h\u0001s\u0001b\u0001?c");

        assertThat(heard)
                .containsExactly(
                        "a", "<EXIT>", "b", "<HELP>", "<STATISTICS>", "<BREAK>", "<HELP>", "c");
    }

    @Test
    void theEscapeKeyItselfCanBeSent() {
        type("\u0001a\u0001\u0001x");

        assertThat(heard).containsExactly("\u0001\u0001x");
    }

    @Test
    void aCommandMayBeSpreadOverTwoReads() {
        type("a\u0001");
        type("x");

        assertThat(heard).containsExactly("a", "<EXIT>");
    }

    @Test
    void anUnknownCommandGoesToTheGuestAsTyped() {
        type("\u0001q");

        assertThat(heard).containsExactly("\u0001q");
    }

    @Test
    void onlyTheGivenLengthIsRead() {
        filter.accept("abc".getBytes(StandardCharsets.ISO_8859_1), 2);

        assertThat(heard).containsExactly("ab");
    }
}
