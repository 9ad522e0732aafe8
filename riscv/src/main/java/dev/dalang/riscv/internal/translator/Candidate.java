package dev.dalang.riscv.internal.translator;

import dev.dalang.riscv.internal.core.CodePage;

/**
 * A place that a region may be made for.
 *
 * @param page its page
 * @param slot the half-word in the page
 * @param view the code around the page
 * @param seen number of the last region that stood when the hart came there
 * @param isContinuation whether a region of full size was cut here, so that another one follows
 */
record Candidate(CodePage page, int slot, CodeView view, long seen, boolean isContinuation) {}
