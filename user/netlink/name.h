/* SPDX-License-Identifier: GPL-2.0 */
/* Names of states, settings and counters, as the netlink specification has them. */
#ifndef VNL_NAME_H
#define VNL_NAME_H

#include <linux/vuser.h>
#include <stdint.h>

/*
 * All counters of a device: attribute and name, in the order of the attributes.
 * name.c makes the compiler compare this table with the kernel's header.
 */
#define VNL_COUNTERS(X)                 \
	X(REGION_READ, "region-read")   \
	X(REGION_WRITE, "region-write") \
	X(POSTED_WRITE, "posted-write") \
	X(POSTED_ERROR, "posted-error") \
	X(POSTED_REPLY, "posted-reply") \
	X(TRAP_LOAD, "trap-load")       \
	X(TRAP_STORE, "trap-store")     \
	X(TRAP_REFUSED, "trap-refused") \
	X(IOEVENTFD, "ioeventfd")       \
	X(DMA_READ, "dma-read")         \
	X(DMA_WRITE, "dma-write")       \
	X(DMA_MAP, "dma-map")           \
	X(DMA_UNMAP, "dma-unmap")       \
	X(SET_IRQS, "set-irqs")         \
	X(RESET, "reset")               \
	X(UNSENT, "unsent")

#define VNL_COUNTER_MEMBER(attr, name) VNL_COUNTER_##attr,

/* Indexes of the counters of struct vnl_dev. */
enum vnl_counter {
	VNL_COUNTERS(VNL_COUNTER_MEMBER) VNL_NR_COUNTERS
};

/* The name of a number; "unknown" if this program does not know the number. */
const char *vnl_name_state(uint32_t state);
const char *vnl_name_mmap(uint32_t mmap);
const char *vnl_name_reset(uint32_t reset);
const char *vnl_name_pci_setup(uint32_t setup);
const char *vnl_name_dma_backing(uint32_t backing);
const char *vnl_name_dma_holes(uint32_t holes);
const char *vnl_name_on_loss(uint32_t on_loss);
const char *vnl_name_state_kept(uint32_t kept);
const char *vnl_name_replacing(uint32_t replacing);
const char *vnl_name_counter(enum vnl_counter counter);

/* The number of a name, or -EINVAL. */
int vnl_name_parse_mmap(const char *name);
int vnl_name_parse_reset(const char *name);
int vnl_name_parse_pci_setup(const char *name);
int vnl_name_parse_dma_backing(const char *name);
int vnl_name_parse_dma_holes(const char *name);
int vnl_name_parse_on_loss(const char *name);
int vnl_name_parse_state_kept(const char *name);

#endif /* VNL_NAME_H */
