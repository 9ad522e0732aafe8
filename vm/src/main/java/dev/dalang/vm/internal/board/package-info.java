/** What the {@code virt} board is: its address map, its device tree, its reset code. */
package dev.dalang.vm.internal.board;
