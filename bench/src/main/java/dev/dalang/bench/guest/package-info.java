/**
 * The same guest side by side on Dalang and on QEMU: {@code ./dalang bench guest}. The workloads
 * are in {@code bench/guest}.
 */
package dev.dalang.bench.guest;
