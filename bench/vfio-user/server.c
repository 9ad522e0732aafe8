/*
 * A device on libvfio-user that does what the device of the comparison does: see Device.java beside
 * it. Built and started by "dalang bench vfio-user".
 */
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "libvfio-user.h"

enum {
    BAR_BYTES = 0x1000,
    MOST_BYTES = 1 << 20,
    SCRATCH = 0x00,
    ADDRESS = 0x08,
    LENGTH = 0x10,
    COUNT = 0x14,
    COMMAND = 0x18,
    FIRST = 0x20,
    LAST = 0x28,
};

enum { READ_MAPPED = 1, WRITE_MAPPED, READ_BY_MESSAGES, WRITE_BY_MESSAGES };

static uint8_t registers[BAR_BYTES] __attribute__((aligned(8)));
static uint8_t buffer[MOST_BYTES] __attribute__((aligned(4096)));

static uint64_t get64(int offset)
{
    uint64_t value;
    memcpy(&value, registers + offset, sizeof value);
    return value;
}

static uint32_t get32(int offset)
{
    uint32_t value;
    memcpy(&value, registers + offset, sizeof value);
    return value;
}

static int transfer(vfu_ctx_t *device, dma_sg_t *list, int command, uint64_t address,
                    uint32_t length)
{
    int is_write = command == WRITE_MAPPED || command == WRITE_BY_MESSAGES;
    vfu_dma_addr_t at = (vfu_dma_addr_t)(uintptr_t)address;
    if (vfu_addr_to_sgl(device, at, length, list, 1, is_write ? PROT_WRITE : PROT_READ) != 1) {
        return -1;
    }
    if (command == READ_BY_MESSAGES) {
        return vfu_sgl_read(device, list, 1, buffer, 0);
    }
    if (command == WRITE_BY_MESSAGES) {
        return vfu_sgl_write(device, list, 1, buffer, 0);
    }
    struct iovec place;
    if (vfu_sgl_get(device, list, &place, 1, 0) < 0) {
        return -1;
    }
    if (is_write) {
        memcpy(place.iov_base, buffer, length);
    } else {
        memcpy(buffer, place.iov_base, length);
    }
    vfu_sgl_put(device, list, &place, 1);
    return 0;
}

static int run(vfu_ctx_t *device)
{
    uint32_t length = get32(LENGTH);
    uint32_t count = get32(COUNT);
    uint32_t command = get32(COMMAND);
    uint64_t address = get64(ADDRESS);
    if (length < 8 || length > MOST_BYTES || command < READ_MAPPED ||
        command > WRITE_BY_MESSAGES) {
        errno = EINVAL;
        return -1;
    }
    dma_sg_t *list = alloca(dma_sg_size());
    for (uint32_t n = 0; n < count; n++) {
        if (command == WRITE_MAPPED || command == WRITE_BY_MESSAGES) {
            uint64_t number = n;
            memcpy(buffer, &number, sizeof number);
            memcpy(buffer + length - 8, &number, sizeof number);
        }
        if (transfer(device, list, (int)command, address, length) < 0) {
            return -1;
        }
    }
    memcpy(registers + FIRST, buffer, 8);
    memcpy(registers + LAST, buffer + length - 8, 8);
    return 0;
}

static ssize_t access_registers(vfu_ctx_t *device, char *const bytes, size_t count, loff_t offset,
                                const bool is_write)
{
    if (!is_write) {
        memcpy(bytes, registers + offset, count);
        return (ssize_t)count;
    }
    memcpy(registers + offset, bytes, count);
    if (offset == COMMAND && run(device) < 0) {
        return -1;
    }
    return (ssize_t)count;
}

static void registered(vfu_ctx_t *device, vfu_dma_info_t *memory)
{
    (void)device;
    (void)memory;
}

int main(int argc, char *argv[])
{
    if (argc != 2) {
        errx(2, "expected the path of a socket");
    }
    vfu_ctx_t *device = vfu_create_ctx(VFU_TRANS_SOCK, argv[1], 0, NULL, VFU_DEV_TYPE_PCI);
    if (device == NULL) {
        err(1, "vfu_create_ctx");
    }
    if (vfu_pci_init(device, VFU_PCI_TYPE_CONVENTIONAL, PCI_HEADER_TYPE_NORMAL, 0) < 0 ||
        vfu_setup_region(device, VFU_PCI_DEV_BAR0_REGION_IDX, BAR_BYTES, access_registers,
                         VFU_REGION_FLAG_RW | VFU_REGION_FLAG_MEM, NULL, 0, -1, 0) < 0 ||
        vfu_setup_device_dma(device, LIBVFIO_USER_MAX_DMA_REGIONS, registered, registered) < 0) {
        err(1, "the device");
    }
    vfu_pci_set_id(device, 0x1234, 0xbe4c, 0, 0);
    if (vfu_realize_ctx(device) < 0 || vfu_attach_ctx(device) < 0) {
        err(1, "no client");
    }
    while (vfu_run_ctx(device) >= 0 || errno == EINTR) {
    }
    if (errno != ENOTCONN) {
        err(1, "vfu_run_ctx");
    }
    vfu_destroy_ctx(device);
    return 0;
}
