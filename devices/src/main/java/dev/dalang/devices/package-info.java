/** PCI devices that are not virtio, each an example of how one is written. */
package dev.dalang.devices;
