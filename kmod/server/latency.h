/* SPDX-License-Identifier: GPL-2.0 */
/* Histograms of the time that servers take to answer commands. */
#ifndef VUSER_LATENCY_H
#define VUSER_LATENCY_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <uapi/linux/vuser.h>

/* Number of commands that have a histogram. */
#define VUSER_NR_LATENCIES	9

/**
 * struct vuser_latency - the histograms of a device on one processor
 * @nr: number of replies, by command and bucket; the commands are those of
 *	vuser_latency_command()
 */
struct vuser_latency {
	u64 nr[VUSER_NR_LATENCIES][VUSER_LATENCY_BUCKETS];
};

struct vuser_latency __percpu *vuser_latency_alloc(void);
void vuser_latency_free(struct vuser_latency __percpu *latency);
void vuser_latency_add(struct vuser_latency __percpu *latency, u16 command,
		       u64 ns);
u16 vuser_latency_command(unsigned int index);
bool vuser_latency_read(struct vuser_latency __percpu *latency,
			unsigned int index, u64 *buckets);

#endif /* VUSER_LATENCY_H */
