package dev.dalang.tables.aml;

/**
 * A place that a value can be stored to: a named object, an argument or a local object of a method,
 * an element that {@link AmlCode#index} or {@link AmlCode#derefOf} gives (SuperName, §20.2.2).
 */
public sealed interface AmlTarget extends AmlValue permits EncodedTerm {}
