package dev.dalang.vm;

import dev.dalang.vm.guest.FetchProgress;
import dev.dalang.vm.guest.Guests;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The distribution's programs for a guest, beside those of busybox. */
final class GuestPrograms {
    private GuestPrograms() {}

    /** Makes an initial file system of the default guest's and of packages laid over it. */
    static Path over(Path target, String... packages) throws IOException {
        Path archive = Guests.inUserCache().overlay(List.of(packages), FetchProgress.none());
        try (OutputStream out = Files.newOutputStream(target)) {
            long bytes = Files.copy(Guests.debian().initrd(), out);
            out.write(new byte[(int) (-bytes & 3)]); // the next archive is looked for at words
            Files.copy(archive, out);
        }
        return target;
    }
}
