/** Virtual machines: built, started, talked to and stopped by a program. */
package dev.dalang.vm;
