/** Benchmarks, run with JMH. */
package dev.dalang.bench;
