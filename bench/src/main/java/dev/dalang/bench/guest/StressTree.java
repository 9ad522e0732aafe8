package dev.dalang.bench.guest;

import dev.dalang.vm.guest.Guest;
import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;

/**
 * The distribution's stress-ng, compiler and the source of a program for it, as a root file system
 * of a directory in a guest's initial one. The guest only has memory for a disk.
 */
final class StressTree {
    private static final String DIRECTORY = "soak";

    /**
     * What the guest does: "compile" builds Lua, runs it, and says the checksum of both; "stress"
     * runs the next of the classes, each of whose stressors verifies what it computes.
     */
    private static final String SCRIPT =
            """
            #!/bin/sh
            # Called in the guest's own root, then below the tree.
            if [ -d /soak ]; then
                mountpoint -q /soak/proc || {
                    mount -t proc proc /soak/proc
                    mount -t sysfs sys /soak/sys
                    mount -t devtmpfs dev /soak/dev
                    mkdir -p /soak/dev/shm
                    mount -t tmpfs tmp /soak/tmp
                }
                exec chroot /soak /bin/sh /run.sh "$1"
            fi
            export PATH=/usr/bin:/usr/sbin HOME=/tmp LC_ALL=C
            compile() {
                rm -rf /tmp/lua && cp -R /lua /tmp/lua && cd /tmp/lua/src || return 1
                make -s -j2 CC=gcc MYCFLAGS='-DLUA_USE_POSIX' lua >/tmp/log 2>&1 || return 1
                ./lua -e 'local s = 0
                    for i = 1, 300000 do s = (s * 31 + i * i) % 1000003 + math.sin(i) end
                    local t = {}
                    for i = 1, 20000 do t[i] = string.rep(tostring(i * 7919 % 10007), 3) end
                    table.sort(t)
                    print(string.format("%.17g", s), table.concat(t):sub(1, 4000))' >out || return 1
                cat lua out | sha256sum | cut -c1-16 >/tmp/result
            }
            stress() {
                read -r round </tmp/round 2>/dev/null || round=0
                echo $((round + 1)) >/tmp/round
                set -- "--class cpu" "--class vm" "--class interrupt" "--class signal" "--atomic 2"
                shift $((round % 5))
                echo "${1##* }" | tr -dc 'a-z0-9' >/tmp/result
                case $1 in
                --class*) set -- --sequential 2 $1 ;;
                *) set -- $1 ;;
                esac
                cd /tmp && stress-ng --verify --timeout 4s --temp-path /tmp "$@" >/tmp/log 2>&1
                grep -q ' failed: 0' /tmp/log && ! grep -q ' fail: ' /tmp/log
            }
            "$1"
            code=$?
            [ $code = 0 ] || tail -n 60 /tmp/log
            echo "soak-$1 $code $(cat /tmp/result)"
            """;

    private final Path archive;

    private StressTree(Path archive) {
        this.archive = archive;
    }

    /** The guest's shell command for a piece of work. */
    static String command(String work) {
        return "sh /" + DIRECTORY + "/run.sh " + work;
    }

    /** Finds the tree in the guests' cache directory, or makes it there. */
    static StressTree in(Guests guests) {
        Path archive = guests.directory().resolve("bench/soak.cpio");
        if (!Files.exists(archive)) {
            HostTools.need("mmdebstrap");
            HostTools.need("cpio");
            HostTools.say("fetching stress-ng and a compiler");
            try {
                make(archive, Monitor.Qemu.sources(guests));
            } catch (IOException e) {
                throw new BenchException("cannot make " + archive + ": " + e.getMessage(), e);
            }
        }
        return new StressTree(archive);
    }

    private static void make(Path archive, Path sources) throws IOException {
        Files.createDirectories(archive.getParent());
        Path building = Files.createTempDirectory(archive.getParent(), "soak-");
        Path tree = building.resolve(DIRECTORY);
        Path list = building.resolve("both.sources");
        Files.writeString(
                list, Files.readString(sources).replaceAll("(?m)^Types:.*", "Types: deb deb-src"));
        String directories = "usr/bin usr/sbin usr/lib proc sys dev tmp";
        HostTools.run(
                List.of(
                        "mmdebstrap",
                        "--quiet",
                        "--variant=extract",
                        "--architectures=riscv64",
                        "--aptopt=APT::Install-Recommends \"false\"",
                        "--setup-hook=cd \"$1\" && mkdir -p " + directories,
                        "--setup-hook=for d in bin sbin lib; do ln -s usr/$d \"$1/$d\"; done",
                        "--include=stress-ng,gcc,libc6-dev,make,dash,coreutils,grep,sed",
                        "--extract-hook=cd \"$1/tmp\" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG"
                                + " apt-get -q=2 --download-only source lua5.4"
                                + " && mkdir ../lua && tar -xf lua5.4_*.orig.tar.* -C ../lua"
                                + " --strip-components=1",
                        "trixie",
                        tree.toString(),
                        list.toString()));
        Files.writeString(tree.resolve("run.sh"), SCRIPT);
        Path sh = tree.resolve("usr/bin/sh");
        Files.deleteIfExists(sh);
        Files.createSymbolicLink(sh, Path.of("dash"));
        String pack =
                """
                cd "$1"
                rm -rf soak/usr/share/doc soak/usr/share/man soak/usr/share/locale soak/tmp/*
                rm -rf soak/var/cache soak/var/lib/apt
                find soak ! -type c ! -type b | cpio -o -H newc -R 0:0 --quiet >soak.cpio
                """;
        HostTools.run(List.of("sh", "-ec", pack, "sh", building.toString()));
        Files.move(building.resolve("soak.cpio"), archive, StandardCopyOption.ATOMIC_MOVE);
        HostTools.run(List.of("rm", "-rf", building.toString()));
    }

    /** A file with a guest's initial file system and the tree in it. */
    Path addedTo(Guest guest, Path target) {
        try (OutputStream out = Files.newOutputStream(target)) {
            long bytes = Files.copy(guest.initrd(), out);
            out.write(new byte[(int) (-bytes & 3)]);
            Files.copy(archive, out);
        } catch (IOException e) {
            throw new BenchException("cannot write " + target + ": " + e.getMessage(), e);
        }
        return target;
    }
}
