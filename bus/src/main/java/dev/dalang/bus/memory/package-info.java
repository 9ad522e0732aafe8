/** Guest memory. Guest physical addresses are {@code long}, always unsigned. */
package dev.dalang.bus.memory;
