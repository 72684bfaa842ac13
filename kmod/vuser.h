/* SPDX-License-Identifier: GPL-2.0 */
/* What all layers of vuser.ko share. */
#ifndef VUSER_H
#define VUSER_H

#include <linux/atomic.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/types.h>
#include <uapi/linux/vuser.h>

/* A region's offset in the device file, as vfio-pci has it. */
#define VUSER_OFFSET_SHIFT	40
#define VUSER_OFFSET_MASK	(((u64)1 << VUSER_OFFSET_SHIFT) - 1)
#define VUSER_OFFSET_TO_INDEX(off)	((off) >> VUSER_OFFSET_SHIFT)
#define VUSER_INDEX_TO_OFFSET(index)	((u64)(index) << VUSER_OFFSET_SHIFT)

/* Counters that `vuserctl stats` shows; names are those of the spec. */
enum vuser_counter {
	VUSER_COUNT_REGION_READ,
	VUSER_COUNT_REGION_WRITE,
	VUSER_COUNT_POSTED_WRITE,
	VUSER_COUNT_POSTED_ERROR,
	VUSER_COUNT_TRAP_LOAD,
	VUSER_COUNT_TRAP_STORE,
	VUSER_COUNT_TRAP_REFUSED,
	VUSER_COUNT_IOEVENTFD,
	VUSER_COUNT_DMA_READ,
	VUSER_COUNT_DMA_WRITE,
	VUSER_COUNT_DMA_MAP,
	VUSER_COUNT_DMA_UNMAP,
	VUSER_COUNT_SET_IRQS,
	VUSER_COUNT_RESET,
	VUSER_COUNT_UNSENT,
	VUSER_NR_COUNTERS
};

/**
 * struct vuser_counters - one for each device
 * @nr: by enum vuser_counter
 */
struct vuser_counters {
	atomic64_t nr[VUSER_NR_COUNTERS];
};

static inline void vuser_count(struct vuser_counters *counters,
			       enum vuser_counter counter)
{
	atomic64_inc(&counters->nr[counter]);
}

/* The time, on ktime_get()'s clock, that is *@ms milliseconds from now. */
static inline ktime_t vuser_deadline(const u32 *ms)
{
	return ktime_add_ms(ktime_get(), READ_ONCE(*ms));
}

/* Jiffies until @deadline, at least 1 while it has not passed, else 0. */
static inline long vuser_jiffies_left(ktime_t deadline)
{
	s64 left = ktime_to_ns(ktime_sub(deadline, ktime_get()));

	return left > 0 ? nsecs_to_jiffies(left) + 1 : 0;
}

enum vuser_mmap_policy {
	VUSER_MMAP_AUTO = VUSER_MMAP_POLICY_AUTO,
	VUSER_MMAP_TRAP = VUSER_MMAP_POLICY_TRAP,
	VUSER_MMAP_SPARSE = VUSER_MMAP_POLICY_SPARSE,
};

/**
 * struct vuser_settings - what the administrator chose for a device
 * @request_timeout_ms: a server must answer a message within this time
 * @close_timeout_ms: one deadline for reset and all unmaps of a close
 * @max_dma_maps: regions to tell the server at most, 0: as it announced
 * @mmap: policy for mapping regions
 * @reset_never: the server must not be sent DEVICE_RESET
 * @dma_memory_only: never hand the consumer's own files to the server
 *
 * Words that are read without a lock; writers hold the device's lock.
 */
struct vuser_settings {
	u32 request_timeout_ms;
	u32 close_timeout_ms;
	u32 max_dma_maps;
	u32 mmap;
	bool reset_never;
	bool dma_memory_only;
};

#endif /* VUSER_H */
