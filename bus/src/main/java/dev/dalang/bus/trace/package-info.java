/**
 * What devices do, told event by event to somebody who debugs them or their driver. A device that
 * is not traced pays nothing for it: what tells is put around a device when it comes on the bus.
 */
package dev.dalang.bus.trace;
