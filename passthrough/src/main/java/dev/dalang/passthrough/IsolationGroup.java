package dev.dalang.passthrough;

import java.util.List;

/**
 * Devices that the host's memory protection cannot tell apart.
 *
 * @param id the group's name, unique on the host
 * @param members names of the devices in it, the device that told of it included
 * @param blockers those of them that somebody else holds, so that the group cannot be given away
 */
public record IsolationGroup(String id, List<String> members, List<String> blockers) {
    /** Copies the lists. */
    public IsolationGroup {
        members = List.copyOf(members);
        blockers = List.copyOf(blockers);
    }
}
