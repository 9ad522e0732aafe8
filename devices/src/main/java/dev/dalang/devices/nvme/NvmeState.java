package dev.dalang.devices.nvme;

/** The registers that a driver can change. */
record NvmeState(int cc, int status, int aqa, long asq, long acq, int masked) {}
