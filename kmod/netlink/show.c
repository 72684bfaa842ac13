// SPDX-License-Identifier: GPL-2.0
/* Builds the messages that show a device. */
#include <linux/cred.h>
#include <linux/pid.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "dma/dma.h"
#include "netlink/family.h"
#include "netlink/show.h"
#include "netlink/uuid.h"
#include "server/channel.h"
#include "server/desc.h"
#include "server/latency.h"
#include "vfio/device.h"

static int vuser_nl_show_put_uuid(struct sk_buff *skb, struct vuser_device *dev)
{
	u8 uuid[VUSER_UUID_LEN];

	vuser_nl_uuid_swap(uuid, dev->uuid.b);
	return nla_put(skb, VUSER_A_DEV_UUID, sizeof(uuid), uuid);
}

static int vuser_nl_show_put_settings(struct sk_buff *skb,
				      const struct vuser_settings *set)
{
	if (nla_put_u32(skb, VUSER_A_DEV_REQUEST_TIMEOUT_MS,
			set->request_timeout_ms) ||
	    nla_put_u32(skb, VUSER_A_DEV_CLOSE_TIMEOUT_MS,
			set->close_timeout_ms) ||
	    nla_put_u32(skb, VUSER_A_DEV_MMAP, set->mmap) ||
	    nla_put_u32(skb, VUSER_A_DEV_MAX_DMA_MAPS, set->max_dma_maps) ||
	    nla_put_u32(skb, VUSER_A_DEV_RESET,
			set->reset_never ? VUSER_RESET_POLICY_NEVER :
					   VUSER_RESET_POLICY_AUTO) ||
	    nla_put_u32(skb, VUSER_A_DEV_PCI_SETUP,
			set->pci_setup_never ? VUSER_PCI_SETUP_NEVER :
					       VUSER_PCI_SETUP_AUTO) ||
	    nla_put_u32(skb, VUSER_A_DEV_DMA_BACKING, set->dma_backing) ||
	    nla_put_u32(skb, VUSER_A_DEV_DMA_HOLES, set->dma_holes) ||
	    nla_put_u32(skb, VUSER_A_DEV_SERVER_USER, set->server_user) ||
	    nla_put_u32(skb, VUSER_A_DEV_ON_LOSS, set->on_loss) ||
	    nla_put_u32(skb, VUSER_A_DEV_RECONNECT_TIMEOUT_MS,
			set->reconnect_timeout_ms) ||
	    nla_put_u32(skb, VUSER_A_DEV_STATE_KEPT,
			set->state_kept ? VUSER_STATE_KEPT_YES :
					  VUSER_STATE_KEPT_NO))
		return -EMSGSIZE;
	return 0;
}

static int vuser_nl_show_put_counters(struct sk_buff *skb,
				      struct vuser_device *dev)
{
	struct nlattr *nest;
	int i;

	/* The attributes have the same order as enum vuser_counter. */
	BUILD_BUG_ON(VUSER_A_COUNTERS_REGION_READ + VUSER_COUNT_UNSENT !=
		     VUSER_A_COUNTERS_UNSENT);
	BUILD_BUG_ON(VUSER_A_COUNTERS_UNSENT != (int)VUSER_NR_COUNTERS);

	nest = nla_nest_start(skb, VUSER_A_DEV_COUNTERS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < VUSER_NR_COUNTERS; i++)
		if (nla_put_u64_64bit(skb, VUSER_A_COUNTERS_REGION_READ + i,
				      atomic64_read(&dev->counters.nr[i]),
				      VUSER_A_COUNTERS_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Appends the histogram of one command. */
static int vuser_nl_show_put_histogram(struct sk_buff *skb, u16 command,
				       const u64 *buckets)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VUSER_A_DEV_LATENCY);
	if (!nest ||
	    nla_put_u32(skb, VUSER_A_LATENCY_COMMAND, command) ||
	    nla_put(skb, VUSER_A_LATENCY_BUCKETS,
		    VUSER_LATENCY_BUCKETS * sizeof(*buckets), buckets))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Appends the histograms of the commands that a server has answered. */
static int vuser_nl_show_put_latency(struct sk_buff *skb,
				     const struct vuser_device *dev)
{
	u64 buckets[VUSER_LATENCY_BUCKETS];
	int i;

	for (i = 0; i < VUSER_NR_LATENCIES; i++)
		if (vuser_latency_read(dev->latency, i, buckets) &&
		    vuser_nl_show_put_histogram(skb, vuser_latency_command(i),
						buckets))
			return -EMSGSIZE;
	return 0;
}

static int vuser_nl_show_put_region(struct sk_buff *skb, u32 index,
				    const struct vuser_region *region)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VUSER_A_DEV_REGION);
	if (!nest ||
	    nla_put_u32(skb, VUSER_A_REGION_INDEX, index) ||
	    nla_put_u64_64bit(skb, VUSER_A_REGION_SIZE, region->size,
			      VUSER_A_REGION_PAD) ||
	    nla_put_u32(skb, VUSER_A_REGION_FLAGS, region->flags))
		return -EMSGSIZE;
	if (region->has_type &&
	    (nla_put_u32(skb, VUSER_A_REGION_TYPE, region->type) ||
	     nla_put_u32(skb, VUSER_A_REGION_SUBTYPE, region->subtype)))
		return -EMSGSIZE;
	if (region->posted && nla_put_flag(skb, VUSER_A_REGION_POSTED))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vuser_nl_show_put_irq(struct sk_buff *skb, u32 index,
				 const struct vfio_irq_info *irq)
{
	struct nlattr *nest;

	nest = nla_nest_start(skb, VUSER_A_DEV_IRQ);
	if (!nest ||
	    nla_put_u32(skb, VUSER_A_IRQ_INDEX, index) ||
	    nla_put_u32(skb, VUSER_A_IRQ_FLAGS, irq->flags) ||
	    nla_put_u32(skb, VUSER_A_IRQ_COUNT, irq->count))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int vuser_nl_show_put_negotiated(struct sk_buff *skb,
					const struct vuser_desc *desc)
{
	if (nla_put_u32(skb, VUSER_A_DEV_MINOR, desc->minor) ||
	    nla_put_u32(skb, VUSER_A_DEV_MAX_MSG_FDS, desc->max_msg_fds) ||
	    nla_put_u32(skb, VUSER_A_DEV_MAX_DATA_XFER_SIZE,
			desc->max_data_xfer_size) ||
	    nla_put_u32(skb, VUSER_A_DEV_SERVER_MAX_DMA_MAPS,
			desc->max_dma_maps))
		return -EMSGSIZE;
	return 0;
}

/* Appends who serves the device, as the caller's namespaces name it. */
static int vuser_nl_show_put_server(struct sk_buff *skb,
				    const struct vuser_desc *desc)
{
	struct user_namespace *ns = current_user_ns();

	if (!uid_valid(desc->server_uid))
		return 0;
	if (nla_put_u32(skb, VUSER_A_DEV_SERVER_PID, pid_vnr(desc->server_pid)) ||
	    nla_put_u32(skb, VUSER_A_DEV_SERVER_UID,
			from_kuid_munged(ns, desc->server_uid)) ||
	    nla_put_u32(skb, VUSER_A_DEV_SERVER_GID,
			from_kgid_munged(ns, desc->server_gid)))
		return -EMSGSIZE;
	return 0;
}

/* Appends the state of the replacement of the server. */
static int vuser_nl_show_put_replace(struct sk_buff *skb,
				     const struct vuser_replace *replace)
{
	if (nla_put_u32(skb, VUSER_A_DEV_REPLACING, replace->state))
		return -EMSGSIZE;
	if (replace->endpoint && !replace->running &&
	    nla_put_string(skb, VUSER_A_DEV_REPLACEMENT, replace->endpoint))
		return -EMSGSIZE;
	if (replace->error &&
	    nla_put_string(skb, VUSER_A_DEV_REPLACE_ERROR, replace->error))
		return -EMSGSIZE;
	if (replace->state != VUSER_REPLACING_DONE)
		return 0;
	return nla_put_u64_64bit(skb, VUSER_A_DEV_REPLACE_PAUSE_US, replace->pause_us,
				 VUSER_A_DEV_PAD);
}

/* Appends the attributes that show what processes and paths a device uses. */
static int vuser_nl_show_put_private(struct sk_buff *skb,
				     const struct vuser_device *dev)
{
	if (nla_put_string(skb, VUSER_A_DEV_ENDPOINT, dev->endpoint ?: ""))
		return -EMSGSIZE;
	if (dev->error && nla_put_string(skb, VUSER_A_DEV_ERROR, dev->error))
		return -EMSGSIZE;
	if (vuser_nl_show_put_replace(skb, &dev->replace))
		return -EMSGSIZE;
	return dev->chan ? vuser_nl_show_put_server(skb, dev->chan->desc) : 0;
}

/* Appends the attributes that are too long for a dump. */
static int vuser_nl_show_put_details(struct sk_buff *skb,
				     const struct vuser_desc *desc,
				     unsigned int parts)
{
	u32 i;

	if (nla_put_u32(skb, VUSER_A_DEV_FLAGS, desc->flags))
		return -EMSGSIZE;
	for (i = 0; i < desc->nr_regions; i++)
		if (vuser_nl_show_put_region(skb, i, &desc->regions[i]))
			return -EMSGSIZE;
	for (i = 0; i < desc->nr_irqs; i++)
		if (vuser_nl_show_put_irq(skb, i, &desc->irqs[i]))
			return -EMSGSIZE;
	if (parts & VUSER_NL_SHOW_PRIVATE && desc->config_size &&
	    nla_put(skb, VUSER_A_DEV_CONFIG, desc->config_size, desc->config))
		return -EMSGSIZE;
	return 0;
}

static int vuser_nl_show_put_dev(struct sk_buff *skb, struct vuser_device *dev,
				 unsigned int parts)
{
	const struct vuser_desc *desc;

	lockdep_assert_held(&dev->lock);

	if (nla_put_u32(skb, VUSER_A_DEV_ID, dev->id) ||
	    vuser_nl_show_put_uuid(skb, dev) ||
	    nla_put_u32(skb, VUSER_A_DEV_STATE, dev->state) ||
	    nla_put_string(skb, VUSER_A_DEV_PCI_ADDRESS, dev->pci_address) ||
	    nla_put_u32(skb, VUSER_A_DEV_GROUP, dev->group_id) ||
	    nla_put_u32(skb, VUSER_A_DEV_OWNER, dev->owner_portid) ||
	    nla_put_u32(skb, VUSER_A_DEV_DMA_REGIONS,
			vuser_dma_nr_regions(&dev->dma)) ||
	    vuser_nl_show_put_settings(skb, &dev->settings) ||
	    vuser_nl_show_put_counters(skb, dev))
		return -EMSGSIZE;
	if (parts & VUSER_NL_SHOW_LATENCY && vuser_nl_show_put_latency(skb, dev))
		return -EMSGSIZE;
	if (parts & VUSER_NL_SHOW_PRIVATE && vuser_nl_show_put_private(skb, dev))
		return -EMSGSIZE;
	if (!dev->chan)
		return 0;

	desc = dev->chan->desc;
	if (vuser_nl_show_put_negotiated(skb, desc))
		return -EMSGSIZE;
	if (parts & VUSER_NL_SHOW_DETAILS)
		return vuser_nl_show_put_details(skb, desc, parts);
	return 0;
}

/**
 * vuser_nl_show_dev() - append a message that shows a device
 * @skb: buffer to which the message is appended
 * @dev: the device
 * @portid: netlink port of the receiver, 0 for a multicast group
 * @seq: sequence number of the message that is answered, 0 for a notification
 * @flags: NLM_F_*
 * @cmd: command of the message, VUSER_CMD_*
 * @parts: the parts to include, VUSER_NL_SHOW_*
 *
 * Context: process; takes the device's lock.
 * Return: 0, or -EMSGSIZE when @skb does not have enough room; then @skb is unchanged.
 */
int vuser_nl_show_dev(struct sk_buff *skb, struct vuser_device *dev,
		      u32 portid, u32 seq, int flags, u8 cmd, unsigned int parts)
{
	void *hdr;
	int ret;

	hdr = genlmsg_put(skb, portid, seq, &vuser_nl_family, flags, cmd);
	if (!hdr)
		return -EMSGSIZE;
	mutex_lock(&dev->lock);
	ret = vuser_nl_show_put_dev(skb, dev, parts);
	mutex_unlock(&dev->lock);
	if (ret)
		genlmsg_cancel(skb, hdr);
	else
		genlmsg_end(skb, hdr);
	return ret;
}

/**
 * vuser_nl_show_start() - begin a dump of all devices
 * @cb: state of the dump
 *
 * Makes each buffer of the dump large enough for any device: a dump ends at the
 * first device that does not fit into an empty buffer.
 *
 * Context: process.
 * Return: 0.
 */
int vuser_nl_show_start(struct netlink_callback *cb)
{
	cb->min_dump_alloc = VUSER_NL_SHOW_SIZE;
	return 0;
}

/**
 * vuser_nl_show_removed() - append a message that a device was removed
 * @skb: buffer to which the message is appended
 * @dev: the device
 *
 * Context: process; the device's lock is not needed.
 * Return: 0, or -EMSGSIZE when @skb does not have enough room; then @skb must be freed.
 */
int vuser_nl_show_removed(struct sk_buff *skb, struct vuser_device *dev)
{
	void *hdr;

	hdr = genlmsg_put(skb, 0, 0, &vuser_nl_family, 0,
			  VUSER_CMD_DEV_DEL_NTF);
	if (!hdr || nla_put_u32(skb, VUSER_A_DEV_ID, dev->id) ||
	    vuser_nl_show_put_uuid(skb, dev))
		return -EMSGSIZE;
	genlmsg_end(skb, hdr);
	return 0;
}
