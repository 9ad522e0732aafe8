package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.dalang.testkit.riscv.Assembler;
import dev.dalang.virtio.VirtioPciDevice;
import dev.dalang.virtio.net.VirtioNetDevice;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;

final class NetworkOptionTest {
    private static VirtioNetDevice card(PciPlacement placement) {
        return (VirtioNetDevice) ((VirtioPciDevice) placement.device()).virtio();
    }

    @Test
    void everyKeyIsTaken(@TempDir Path directory) {
        Path capture = directory.resolve("x.pcapng");
        PciPlacement placement =
                NetworkOption.parse(
                                "user,host-loopback=on,restrict=off,hostfwd=tcp:127.0.0.1:0-:22,"
                                        + "hostfwd=udp:127.0.0.1:0-:53,mac=52:54:00:ab:cd:ef,"
                                        + "queues=4,bootindex=3,id=lan,addr=5.0,pcap="
                                        + capture)
                        .orElseThrow()
                        .make(0);
        VirtioNetDevice card = card(placement);
        assertThat(card.mac()).isEqualTo(0x5254_00ab_cdefL);
        assertThat(card.queueMaxSizes()).hasSize(9);
        assertThat(placement.bootIndex()).hasValue(3);
        assertThat(placement.id()).contains("lan");
        assertThat(placement.address()).contains(new PciPlacement.Address(5, 0));
        assertThat(Files.exists(capture)).isTrue();
        card.detach();
    }

    @Test
    void cardsHaveAddressesOfTheirOwn() {
        VirtioNetDevice first = card(NetworkOption.parse("user").orElseThrow().make(0));
        VirtioNetDevice second = card(NetworkOption.parse("user").orElseThrow().make(1));
        assertThat(second.mac()).isNotEqualTo(first.mac());
        first.detach();
        second.detach();
    }

    @Test
    void aCardIsHeldToTheRateThatItWasGiven(@TempDir Path directory) throws IOException {
        Path kernel = new BareMachine(directory).kernel(Assembler::nop);
        for (String rate : new String[] {"", ",rate=10M"}) {
            try (Vm vm = Vm.builder().kernel(kernel).network("user,id=lan" + rate).build()) {
                var card =
                        vm.pci().functions().stream()
                                .filter(function -> function.id().equals("lan"))
                                .map(function -> (VirtioPciDevice) function.device())
                                .findFirst()
                                .orElseThrow();
                card.sleep();
                assertThat(card.virtio().snapshot().getList("limiters"))
                        .as("one for each direction")
                        .hasSize(rate.isEmpty() ? 0 : 2);
            }
        }
    }

    @Test
    void noneIsNoCard() {
        assertThat(NetworkOption.parse("none")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "tap=",
                "tap=a/b",
                "tap=longer-than-names-are",
                "tap=x,restrict=on",
                "tap=x,hostfwd=tcp::1-:1",
                "none,mac=52:54:00:12:34:56",
                "user,",
                "user,x",
                "user,x=1",
                "user,restrict=yes",
                "user,restrict=on,restrict=on",
                "user,hostfwd=tcp:1",
                "user,mac=52:54",
                "user,mac=01:00:00:00:00:01",
                "user,queues=0",
                "user,queues=33",
                "user,bootindex=-1",
                "user,rate=0",
                "user,rate=some",
                "user,rate=2097152M",
                "user,pcap=",
                "user,addr=99"
            })
    void whatIsNoNetworkIsRefused(String text) {
        assertThatThrownBy(() -> NetworkOption.parse(text))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("--");
    }

    @Test
    void aFileThatCannotBeWrittenIsNamed() {
        NetworkOption option = NetworkOption.parse("user,pcap=/nowhere/at/all").orElseThrow();
        assertThatThrownBy(() -> option.make(0))
                .isInstanceOf(ConfigurationException.class)
                .hasMessageStartingWith("--net: pcap=/nowhere/at/all");
    }

    @Test
    void noneIsAlone() {
        VmBuilder none = Vm.builder().network("none");
        assertThatThrownBy(() -> none.network("user")).hasMessageContaining("none alone");
        VmBuilder user = Vm.builder().network("user");
        assertThatThrownBy(() -> user.network("none")).hasMessageContaining("none alone");
    }

    @Test
    void aPortThatIsTakenIsNamedAndNothingStaysOpen() throws IOException {
        InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
        int free;
        try (ServerSocket first = new ServerSocket(0, 1, loopback)) {
            free = first.getLocalPort();
        }
        try (ServerSocket taken = new ServerSocket(0, 1, loopback)) {
            String second = "tcp:127.0.0.1:" + taken.getLocalPort() + "-:22";
            VmBuilder builder =
                    Vm.builder()
                            .network("user,hostfwd=tcp:127.0.0.1:" + free + "-:22")
                            .network("user,hostfwd=" + second);
            assertThatThrownBy(builder::build)
                    .isInstanceOf(ConfigurationException.class)
                    .hasMessageStartingWith("--net: hostfwd=" + second + ": ");
        }
        new ServerSocket(free, 1, loopback).close();
    }

    @Test
    void aMachineThatCannotBeBuiltLeavesNoPortOpen() throws IOException {
        InetAddress loopback = InetAddress.ofLiteral("127.0.0.1");
        int free;
        try (ServerSocket first = new ServerSocket(0, 1, loopback)) {
            free = first.getLocalPort();
        }
        VmBuilder builder =
                Vm.builder()
                        .kernel(Path.of("/nowhere/at/all"))
                        .network("user,hostfwd=tcp:127.0.0.1:" + free + "-:22");
        assertThatThrownBy(builder::build).isInstanceOf(ConfigurationException.class);
        new ServerSocket(free, 1, loopback).close();
    }
}
