/**
 * Devices in other processes, by vfio-user: {@link dev.dalang.remote.VfioUserServer} serves a PCI
 * device of ours to a foreign machine.
 */
package dev.dalang.remote;
