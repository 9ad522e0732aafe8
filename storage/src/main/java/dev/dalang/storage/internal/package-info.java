/** Images in their formats, and the host's files below them. */
package dev.dalang.storage.internal;
