/** Fixtures and driver-side models for the tests of machines and devices. */
package dev.dalang.testkit;
