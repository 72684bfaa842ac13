/* SPDX-License-Identifier: GPL-2.0 */
/* Names of states, settings, counters and commands, as the netlink specification has them. */
#ifndef VNL_NAME_H
#define VNL_NAME_H

#include <linux/vfio_user.h>
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

/* The commands of which the kernel keeps a histogram, and their names. */
#define VNL_LATENCIES(X)                    \
	X(REGION_READ, "region-read")       \
	X(REGION_WRITE, "region-write")     \
	X(DMA_MAP, "dma-map")               \
	X(DMA_UNMAP, "dma-unmap")           \
	X(DEVICE_SET_IRQS, "set-irqs")      \
	X(DEVICE_RESET, "reset")            \
	X(DEVICE_FEATURE, "device-feature") \
	X(MIG_DATA_READ, "mig-data-read")   \
	X(MIG_DATA_WRITE, "mig-data-write")

#define VNL_LATENCY_MEMBER(command, name) VNL_LATENCY_##command,

/* Indexes of the histograms of struct vnl_dev. */
enum vnl_latency {
	VNL_LATENCIES(VNL_LATENCY_MEMBER) VNL_NR_LATENCIES
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
const char *vnl_name_latency(enum vnl_latency latency);

/* The index of the histogram of a command, VFIO_USER_*; -1 if there is none. */
int vnl_name_latency_index(uint32_t command);

/* The number of a name, or -EINVAL. */
int vnl_name_parse_mmap(const char *name);
int vnl_name_parse_reset(const char *name);
int vnl_name_parse_pci_setup(const char *name);
int vnl_name_parse_dma_backing(const char *name);
int vnl_name_parse_dma_holes(const char *name);
int vnl_name_parse_on_loss(const char *name);
int vnl_name_parse_state_kept(const char *name);

#endif /* VNL_NAME_H */
