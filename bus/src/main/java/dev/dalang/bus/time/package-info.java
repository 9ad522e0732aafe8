/** Virtual time. */
package dev.dalang.bus.time;
