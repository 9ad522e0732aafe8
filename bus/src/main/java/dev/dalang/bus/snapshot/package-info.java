/** The life cycle of everything with state, and the value model of its snapshots. */
package dev.dalang.bus.snapshot;
