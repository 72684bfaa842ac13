// SPDX-License-Identifier: GPL-2.0
/*
 * Histograms of the time that servers take to answer commands.
 *
 * The kernel always keeps them, so a reply may cost few instructions: the buckets are
 * powers of two, and each processor has buckets of its own, which need no lock and no
 * atomic operation.  They take 2 KiB for each device and processor.
 */
#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <uapi/linux/vfio_user.h>

#include "server/latency.h"

/* The commands whose replies a thread waits for, the most frequent ones first. */
static const u16 vuser_latency_commands[VUSER_NR_LATENCIES] = {
	VFIO_USER_REGION_READ,
	VFIO_USER_REGION_WRITE,
	VFIO_USER_DMA_MAP,
	VFIO_USER_DMA_UNMAP,
	VFIO_USER_DEVICE_SET_IRQS,
	VFIO_USER_DEVICE_RESET,
	VFIO_USER_DEVICE_FEATURE,
	VFIO_USER_MIG_DATA_READ,
	VFIO_USER_MIG_DATA_WRITE,
};

/**
 * vuser_latency_alloc() - allocate the histograms of a device
 *
 * Context: process; may sleep for memory.
 * Return: the histograms, all 0; the caller frees them with vuser_latency_free().  NULL
 * when memory ran out.
 */
struct vuser_latency __percpu *vuser_latency_alloc(void)
{
	return alloc_percpu(struct vuser_latency);
}

/**
 * vuser_latency_free() - free the histograms of a device
 * @latency: the histograms, or NULL
 *
 * Context: process; nothing adds to @latency any more.
 */
void vuser_latency_free(struct vuser_latency __percpu *latency)
{
	free_percpu(latency);
}

/* The bucket of a time: see latency-buckets in the netlink specification. */
static unsigned int vuser_latency_bucket(u64 ns)
{
	return min_t(unsigned int, fls64(ns >> VUSER_LATENCY_SHIFT),
		     VUSER_LATENCY_BUCKETS - 1);
}

/**
 * vuser_latency_add() - count a reply
 * @latency: histograms of the device
 * @command: the command that was answered, VFIO_USER_*
 * @ns: the time that the server took, nanoseconds
 *
 * Context: any, with interrupts off.
 */
void vuser_latency_add(struct vuser_latency __percpu *latency, u16 command,
		       u64 ns)
{
	unsigned int i;

	for (i = 0; i < VUSER_NR_LATENCIES; i++) {
		if (vuser_latency_commands[i] != command)
			continue;
		__this_cpu_inc(latency->nr[i][vuser_latency_bucket(ns)]);
		return;
	}
}

/**
 * vuser_latency_command() - name the command of a histogram
 * @index: number of the histogram, below VUSER_NR_LATENCIES
 *
 * Context: any.
 * Return: the command, VFIO_USER_*.
 */
u16 vuser_latency_command(unsigned int index)
{
	return vuser_latency_commands[index];
}

/**
 * vuser_latency_read() - read a histogram
 * @latency: histograms of the device
 * @index: number of the histogram, below VUSER_NR_LATENCIES
 * @buckets: set to the number of replies in each of VUSER_LATENCY_BUCKETS buckets
 *
 * Context: any.  Replies that are counted meanwhile may be missing.
 * Return: true if any reply was counted.
 */
bool vuser_latency_read(struct vuser_latency __percpu *latency,
			unsigned int index, u64 *buckets)
{
	const u64 *nr;
	bool any = false;
	unsigned int i;
	int cpu;

	memset(buckets, 0, VUSER_LATENCY_BUCKETS * sizeof(*buckets));
	for_each_possible_cpu(cpu) {
		nr = per_cpu_ptr(latency, cpu)->nr[index];
		for (i = 0; i < VUSER_LATENCY_BUCKETS; i++)
			buckets[i] += READ_ONCE(nr[i]);
	}
	for (i = 0; i < VUSER_LATENCY_BUCKETS; i++)
		any |= buckets[i];
	return any;
}
