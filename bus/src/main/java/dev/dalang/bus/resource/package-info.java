/**
 * What a device wants ({@link dev.dalang.bus.resource.ResourceConstraint}), what it got ({@link
 * dev.dalang.bus.resource.Resource}), and the allocators between the two. Addresses are unsigned
 * {@code long}s.
 */
package dev.dalang.bus.resource;
