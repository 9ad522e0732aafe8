package dev.dalang.tables.aml;

/** Something that has a value: data, an expression, a call, or a place (TermArg, §20.2.5). */
public sealed interface AmlValue extends AmlTerm permits AmlTarget {}
