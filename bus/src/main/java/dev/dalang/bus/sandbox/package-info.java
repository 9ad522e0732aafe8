/**
 * How devices and a jail around them meet: which descriptors stay open, and when a device may begin
 * what it can do only inside.
 */
package dev.dalang.bus.sandbox;
