/* SPDX-License-Identifier: GPL-2.0 */
/* Builds the messages that show a device. */
#ifndef VUSER_NL_SHOW_H
#define VUSER_NL_SHOW_H

#include <linux/types.h>
#include <uapi/linux/vuser.h>

#include "server/latency.h"

struct netlink_callback;
struct sk_buff;
struct vuser_device;

/*
 * Size of a message that shows a device without details, in bytes: the endpoint,
 * the error, the histograms, and 2 KiB for all other attributes.
 */
#define VUSER_NL_SHOW_SIZE	(2 * (VUSER_ENDPOINT_MAX + VUSER_ERROR_MAX) + \
				 VUSER_NR_LATENCIES * (8 * VUSER_LATENCY_BUCKETS + 16) + 2048)

/*
 * Parts of a message that shows a device.  DETAILS are the attributes that are too long
 * for a dump: flags, regions, interrupts and, with PRIVATE, configuration space.
 * PRIVATE are the attributes for which the receiver needs all rights: the endpoint, the
 * error and configuration space.  LATENCY are the histograms: notifications lack them,
 * since reading them takes time on a machine with many processors.
 */
#define VUSER_NL_SHOW_DETAILS	0x1
#define VUSER_NL_SHOW_PRIVATE	0x2
#define VUSER_NL_SHOW_LATENCY	0x4

int vuser_nl_show_dev(struct sk_buff *skb, struct vuser_device *dev, u32 portid,
		      u32 seq, int flags, u8 cmd, unsigned int parts);
int vuser_nl_show_start(struct netlink_callback *cb);
int vuser_nl_show_removed(struct sk_buff *skb, struct vuser_device *dev);

#endif /* VUSER_NL_SHOW_H */
