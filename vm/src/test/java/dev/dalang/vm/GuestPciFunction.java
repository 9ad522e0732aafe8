package dev.dalang.vm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.dalang.pci.InterruptPin;
import dev.dalang.pci.PciBar;
import dev.dalang.pci.PciDeviceSpec;
import dev.dalang.pci.PciFunction;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A function as the guest sees it, with what {@code lspci -vv} would decode.
 *
 * @param config its configuration space, of 256 or 4096 bytes
 * @param resources start, end and flags: six BARs, the ROM, and a bridge's windows
 */
record GuestPciFunction(ByteBuffer config, List<long[]> resources) {
    /** Prints what {@link #parse} reads. */
    static final String SCRIPT =
            """
            for d in /sys/bus/pci/devices/*; do
                echo "function ${d##*/}"
                cat $d/resource
                od -Ax -tx1 $d/config
            done
            """;

    private static final int SPACE_BYTES = 4096;
    private static final int CONVENTIONAL_BYTES = 256;
    private static final int LINE_BYTES = 16;

    private static final int CLASS_HOST_BRIDGE = 0x0600;

    private static final int CAP_POWER_MANAGEMENT = 0x01;
    private static final int CAP_MSI = 0x05;
    private static final int CAP_EXPRESS = 0x10;
    private static final int CAP_MSIX = 0x11;

    private static final int RESOURCE_PORTS = 0x100;
    private static final int RESOURCE_MEMORY = 0x200;
    private static final int RESOURCE_PREFETCH = 0x2000;
    private static final int RESOURCE_64_BITS = 0x10_0000;

    /** The functions by their addresses, such as {@code 0000:00:01.0}. */
    static Map<String, GuestPciFunction> parse(String text) {
        Map<String, GuestPciFunction> functions = new LinkedHashMap<>();
        GuestPciFunction function = null;
        for (String line : text.lines().map(String::strip).toList()) {
            if (line.startsWith("function 0")) {
                var config = ByteBuffer.allocate(SPACE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
                function = new GuestPciFunction(config, new ArrayList<>());
                functions.put(line.substring("function ".length()), function);
            } else if (function != null && line.matches("0x\\w+ 0x\\w+ 0x\\w+")) {
                String[] numbers = line.split(" ");
                long[] resource = new long[3];
                for (int i = 0; i < resource.length; i++) {
                    resource[i] = Long.parseUnsignedLong(numbers[i].substring(2), 16);
                }
                function.resources.add(resource);
            } else if (function != null && line.matches("[0-9a-f]{6}( [0-9a-f]{2}){0,16}")) {
                String[] words = line.split(" ");
                function.repeatTo(Integer.parseInt(words[0], 16));
                for (String octet : List.of(words).subList(1, words.length)) {
                    function.config.put((byte) Integer.parseInt(octet, 16));
                }
            }
        }
        return functions;
    }

    /** What {@code od} leaves out is like the line before. */
    private void repeatTo(int offset) {
        while (config.position() < offset) {
            config.put(config.get(config.position() - LINE_BYTES));
        }
    }

    private int octet(int offset) {
        return config.get(offset) & 0xff;
    }

    private int word(int offset) {
        return config.getShort(offset) & 0xffff;
    }

    /** Offsets of the capabilities by their ids. */
    Map<Integer, Integer> capabilities() {
        Map<Integer, Integer> found = new LinkedHashMap<>();
        boolean has = (word(0x06) & 0x10) != 0;
        for (int at = octet(0x34); has && at != 0; at = octet(at + 1)) {
            assertThat(found.put(octet(at), at)).as("second capability of an id").isNull();
        }
        return found;
    }

    /**
     * Compares with what the function was made to be, and with where the host has it now.
     *
     * @param leastMemory what the guest was told to make of smaller BARs of memory
     */
    void requireAsConfigured(PciFunction function, long leastMemory) {
        PciDeviceSpec spec = function.device().spec();
        // Linux reads all of a host bridge's, whether it is Express or not.
        boolean isExpress =
                spec.isExpress()
                        || function.isBridge()
                        || spec.classCode() >>> 8 == CLASS_HOST_BRIDGE;
        assertThat(config.position())
                .as("bytes of configuration space of %s", function)
                .isEqualTo(isExpress ? SPACE_BYTES : CONVENTIONAL_BYTES);
        assertThat(word(0x00)).as("vendor").isEqualTo(spec.vendor());
        assertThat(word(0x02)).as("device").isEqualTo(spec.device());
        assertThat(octet(0x08)).as("revision").isEqualTo(spec.revision());
        assertThat(config.getInt(0x08) >>> 8).as("class").isEqualTo(spec.classCode());
        int header = (function.isBridge() ? 1 : 0) | (hasSiblings(function) ? 0x80 : 0);
        assertThat(octet(0x0e)).as("header").isEqualTo(header);
        if (!function.isBridge()) {
            assertThat(word(0x2c)).as("subsystem vendor").isEqualTo(spec.subsystemVendor());
            assertThat(word(0x2e)).as("subsystem").isEqualTo(spec.subsystem());
        }
        int pin = spec.hasIntx() ? InterruptPin.ofFunction(function.devfn() & 7).code() : 0;
        assertThat(octet(0x3d)).as("interrupt pin").isEqualTo(pin);
        requireCapabilities(function, spec);
        if (isExpress) {
            requireExtendedCapabilities(function);
        }
        requireBars(function, spec, leastMemory);
    }

    private void requireCapabilities(PciFunction function, PciDeviceSpec spec) {
        Map<Integer, Integer> capabilities = capabilities();
        Set<Integer> expected = new HashSet<>();
        if (spec.hasPowerManagement()) {
            expected.add(CAP_POWER_MANAGEMENT);
        }
        if (spec.isExpress() || function.isBridge()) {
            expected.add(CAP_EXPRESS);
        }
        if (spec.msiVectors() > 0) {
            expected.add(CAP_MSI);
            int control = word(capabilities.getOrDefault(CAP_MSI, 0) + 2);
            assertThat(1 << (control >> 1 & 7)).as("MSI vectors").isEqualTo(spec.msiVectors());
            assertThat((control >> 8 & 1) != 0).as("MSI masks").isEqualTo(spec.hasMsiMasking());
        }
        spec.msixPlacement()
                .ifPresent(
                        placement -> {
                            expected.add(CAP_MSIX);
                            int at = capabilities.getOrDefault(CAP_MSIX, 0);
                            assertThat((word(at + 2) & 0x7ff) + 1)
                                    .as("MSI-X vectors")
                                    .isEqualTo(spec.msixVectors());
                            assertThat(config.getInt(at + 4))
                                    .as("MSI-X table")
                                    .isEqualTo(placement.tableOffset() | placement.bar());
                            assertThat(config.getInt(at + 8))
                                    .as("MSI-X pending bits")
                                    .isEqualTo(placement.pbaOffset() | placement.pbaBar());
                        });
        assertThat(capabilities.keySet()).as("capabilities").isEqualTo(expected);
    }

    /** Function 0 of its device is not alone. */
    private static boolean hasSiblings(PciFunction function) {
        return function.bus().functions().stream()
                .anyMatch(
                        other ->
                                other.devfn() >>> 3 == function.devfn() >>> 3
                                        && (other.devfn() & 7) != 0);
    }

    /** The list that begins at 0x100: ids, and the bytes of each (PCIe 6.0 §7.6.3). */
    private void requireExtendedCapabilities(PciFunction function) {
        int at = CONVENTIONAL_BYTES;
        for (PciDeviceSpec.Capability own : function.device().spec().capabilities()) {
            if (!own.isExtended()) {
                continue;
            }
            assertThat(word(at))
                    .as("extended capability at 0x%x", at)
                    .isEqualTo(own.capability().id());
            int[] image = own.capability().image();
            for (int register = 1; register < image.length; register++) {
                assertThat(config.getInt(at + 4 * register))
                        .as("register %d of the extended capability at 0x%x", register, at)
                        .isEqualTo(image[register]);
            }
            int next = word(at + 2) >>> 4;
            at = next == 0 ? at : next;
        }
        // The last one's, or that there is none at all.
        assertThat(word(at + 2) >>> 4).as("next extended capability").isZero();
    }

    private void requireBars(PciFunction function, PciDeviceSpec spec, long leastMemory) {
        Set<Integer> used = new HashSet<>();
        for (PciBar bar : spec.bars()) {
            used.add(bar.index());
            long[] resource = resources.get(bar.index());
            int flags =
                    switch (bar.type()) {
                        case IO -> RESOURCE_PORTS;
                        case MEMORY32 -> RESOURCE_MEMORY;
                        case MEMORY64 -> RESOURCE_MEMORY | RESOURCE_64_BITS;
                    };
            assertThat(resource[1] - resource[0] + 1)
                    .as("size of %s", bar)
                    .isEqualTo(
                            bar.type() == PciBar.Type.IO
                                    ? bar.size()
                                    : Math.max(bar.size(), leastMemory));
            assertThat(resource[2] & (RESOURCE_PORTS | RESOURCE_MEMORY | RESOURCE_64_BITS))
                    .as("kind of %s", bar)
                    .isEqualTo(flags);
            // Linux calls a ROM prefetchable by itself.
            if (bar.index() != PciDeviceSpec.ROM) {
                assertThat((resource[2] & RESOURCE_PREFETCH) != 0)
                        .as("prefetchable: %s", bar)
                        .isEqualTo(bar.prefetchable());
                assertThat(function.configuration().barAddress(bar.index()))
                        .as("address of %s", bar)
                        .isEqualTo(resource[0]);
            }
        }
        for (int index = 0; index <= PciDeviceSpec.ROM; index++) {
            if (!used.contains(index)) {
                assertThat(resources.get(index)).as("BAR %d", index).containsOnly(0);
            }
        }
    }
}
