/* SPDX-License-Identifier: GPL-2.0 */
/* Definitions that all layers of vuser.ko share. */
#ifndef VUSER_H
#define VUSER_H

#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <uapi/linux/vuser.h>

/* The offset of a region in the device file, as in vfio-pci. */
#define VUSER_OFFSET_SHIFT	40
#define VUSER_OFFSET_MASK	(((u64)1 << VUSER_OFFSET_SHIFT) - 1)
#define VUSER_OFFSET_TO_INDEX(off)	((off) >> VUSER_OFFSET_SHIFT)
#define VUSER_INDEX_TO_OFFSET(index)	((u64)(index) << VUSER_OFFSET_SHIFT)

/*
 * The counters that `vuserctl stats` shows.  Names and order are those of the
 * netlink specification (Documentation/netlink/specs/vuser.yaml), which also says
 * what each of them counts.
 */
enum vuser_counter {
	VUSER_COUNT_REGION_READ,
	VUSER_COUNT_REGION_WRITE,
	VUSER_COUNT_POSTED_WRITE,
	VUSER_COUNT_POSTED_ERROR,
	VUSER_COUNT_POSTED_REPLY,
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
 * struct vuser_counters - the counters of a device
 * @nr: values, by enum vuser_counter
 */
struct vuser_counters {
	atomic64_t nr[VUSER_NR_COUNTERS];
};

/* Increments a counter.  Context: any; no lock. */
static inline void vuser_count(struct vuser_counters *counters,
			       enum vuser_counter counter)
{
	atomic64_inc(&counters->nr[counter]);
}

/* Returns the time *@ms milliseconds from now, on ktime_get()'s clock. */
static inline ktime_t vuser_deadline(const u32 *ms)
{
	return ktime_add_ms(ktime_get(), READ_ONCE(*ms));
}

/* Returns the jiffies until @deadline, at least 1; 0 if it has passed. */
static inline long vuser_jiffies_left(ktime_t deadline)
{
	s64 left = ktime_to_ns(ktime_sub(deadline, ktime_get()));

	return left > 0 ? nsecs_to_jiffies(left) + 1 : 0;
}

/*
 * Returns the error with which a system call ends because a signal is pending.  If
 * the signal does not kill the thread, the kernel delivers it and then repeats the
 * system call, so user space does not see the error.
 */
static inline int vuser_interrupted(void)
{
	return fatal_signal_pending(current) ? -EINTR : -ERESTARTNOINTR;
}

/**
 * struct vuser_settings - the settings of a device, chosen by the administrator
 * @request_timeout_ms: time within which the server must answer a message,
 *	milliseconds
 * @close_timeout_ms: time for a whole close: the reset and all unmaps together,
 *	milliseconds
 * @max_dma_maps: maximum number of dma regions that the server gets; 0 for the
 *	limit that the server announced
 * @mmap: how a consumer may map regions; see enum vuser_mmap_policy
 * @reset_never: never send DEVICE_RESET to the server
 * @pci_setup_never: give the device to the consumer as the server has it: assign no
 *	BARs, enable nothing in its configuration space
 * @dma_backing: the file that the server gets for a mapping; see enum
 *	vuser_dma_backing
 * @dma_holes: what a memory fd shows where nothing is mapped; see enum
 *	vuser_dma_holes
 * @server_user: user ID of the only user who may run the server, in the initial user
 *	namespace; VUSER_SERVER_USER_ANY for any user
 * @on_loss: what accesses do after the server of an open device is lost; see enum
 *	vuser_on_loss
 * @reconnect_timeout_ms: how long accesses wait for another server, milliseconds
 * @state_kept: the server keeps the state of its device when it is started again
 *
 * Writers hold the device's lock.  Readers read single fields without a lock.
 */
struct vuser_settings {
	u32 request_timeout_ms;
	u32 close_timeout_ms;
	u32 max_dma_maps;
	u32 mmap;
	u32 dma_backing;
	u32 dma_holes;
	u32 server_user;
	bool reset_never;
	bool pci_setup_never;
	u32 on_loss;
	u32 reconnect_timeout_ms;
	bool state_kept;
};

#endif /* VUSER_H */
