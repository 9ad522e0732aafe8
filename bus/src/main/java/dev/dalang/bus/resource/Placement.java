package dev.dalang.bus.resource;

/** Where in the room that is free something is put. */
public enum Placement {
    /** As low as possible. */
    LOWEST,
    /** As high as possible. */
    HIGHEST
}
