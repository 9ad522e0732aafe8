/**
 * The {@code dalang} command: parses the command line, fetches the default guest, builds a machine
 * with the public API, and connects its console to the terminal, a file or a pipe.
 *
 * <p>Whatever goes wrong ends in one line on standard error and one of {@link
 * dev.dalang.cli.ExitCode}'s numbers.
 */
@NullMarked
package dev.dalang.cli;

import org.jspecify.annotations.NullMarked;
