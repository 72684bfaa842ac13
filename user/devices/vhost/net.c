// SPDX-License-Identifier: GPL-2.0
/* Configuration and control queue of a network device, virtio 1.2 section 5.1. */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "net.h"

/* Features that this process implements, even if the back end lacks them. */
#define OWN_FEATURES                                                           \
	(VIRTIO_BIT(VIRTIO_NET_F_MAC) | VIRTIO_BIT(VIRTIO_NET_F_STATUS) |      \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_VQ) | VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX) | \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_MAC_ADDR) |                              \
	 VIRTIO_BIT(VIRTIO_NET_F_GUEST_ANNOUNCE))

/*
 * Features that need commands of the control queue which are not implemented.
 */
#define UNSERVED                                                               \
	(VIRTIO_BIT(VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) |                        \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_VLAN) |                                  \
	 VIRTIO_BIT(VIRTIO_NET_F_CTRL_RX_EXTRA) |                              \
	 VIRTIO_BIT(VIRTIO_NET_F_NOTF_COAL) |                                  \
	 VIRTIO_BIT(VIRTIO_NET_F_HASH_REPORT) | VIRTIO_BIT(VIRTIO_NET_F_RSS) | \
	 VIRTIO_BIT(VIRTIO_NET_F_STANDBY) |                                    \
	 VIRTIO_BIT(VIRTIO_NET_F_SPEED_DUPLEX))

/* Bytes of a command that are read: the header and the longest argument. */
#define CONTROL_MAX 64

/*
 * Maximum number of commands in one turn of the event loop. A driver may add commands
 * as fast as they are executed.
 */
#define BURST 64

/**
 * vhost_net_parse_mac - read a MAC address; -EINVAL if @text is not a unicast
 * one
 */
int vhost_net_parse_mac(const char *text, uint8_t mac[ETH_ALEN])
{
	static const uint8_t none[ETH_ALEN];
	int end = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
		   &mac[1], &mac[2], &mac[3], &mac[4], &mac[5],
		   &end) != ETH_ALEN ||
	    text[end] || mac[0] & 1 || !memcmp(mac, none, sizeof(none)))
		return -EINVAL;
	return 0;
}

/** vhost_net_random_mac - choose a random local MAC address; 0 or -errno */
int vhost_net_random_mac(uint8_t mac[ETH_ALEN])
{
	if (getrandom(mac, ETH_ALEN, 0) != ETH_ALEN)
		return -errno;
	mac[0] = (mac[0] & ~1) | 2;
	return 0;
}

/**
 * vhost_net_own_features - features that the back end gets only if it offers
 * them
 */
uint64_t vhost_net_own_features(void)
{
	return OWN_FEATURES;
}

/**
 * vhost_net_features - features that the driver is offered
 * @net: device
 * @offered: features that the back end offers
 *
 * Return: feature bits.
 */
uint64_t vhost_net_features(const struct vhost_net *net, uint64_t offered)
{
	uint64_t features = (offered & ~UNSERVED) | OWN_FEATURES;

	features &=
		~(VIRTIO_BIT(VIRTIO_NET_F_MQ) | VIRTIO_BIT(VIRTIO_NET_F_MTU));
	if (net->max_pairs > 1)
		features |= VIRTIO_BIT(VIRTIO_NET_F_MQ);
	if (net->mtu)
		features |= VIRTIO_BIT(VIRTIO_NET_F_MTU);
	return features;
}

/** vhost_net_reset - undo all settings of the driver */
void vhost_net_reset(struct vhost_net *net)
{
	memcpy(net->mac, net->first_mac, sizeof(net->mac));
	net->pairs = 1;
	net->announce = false;
	net->promisc = false;
	net->allmulti = false;
}

static void put16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

/** vhost_net_config - write the device configuration */
void vhost_net_config(const struct vhost_net *net,
		      uint8_t config[VHOST_NET_CONFIG_SIZE])
{
	uint16_t status = (net->link ? VIRTIO_NET_S_LINK_UP : 0) |
			  (net->announce ? VIRTIO_NET_S_ANNOUNCE : 0);

	memcpy(config, net->mac, ETH_ALEN);
	put16(config + offsetof(struct virtio_net_config, status), status);
	put16(config + offsetof(struct virtio_net_config, max_virtqueue_pairs),
	      net->max_pairs);
	put16(config + offsetof(struct virtio_net_config, mtu), net->mtu);
}

/**
 * vhost_net_ctrl_queue - index of the control queue: it follows all queue
 * pairs, or the first pair if the driver did not negotiate MQ
 */
uint16_t vhost_net_ctrl_queue(const struct vhost_net *net, uint64_t features)
{
	return features & VIRTIO_BIT(VIRTIO_NET_F_MQ) ? 2 * net->max_pairs : 2;
}

static int set_pairs(struct vhost_net *net, uint64_t features,
		     const uint8_t *arg, size_t len)
{
	uint16_t pairs, before = net->pairs;

	if (!(features & VIRTIO_BIT(VIRTIO_NET_F_MQ)) || len != sizeof(pairs))
		return -EINVAL;
	memcpy(&pairs, arg, sizeof(pairs));
	pairs = le16toh(pairs);
	if (!pairs || pairs > net->max_pairs)
		return -EINVAL;
	net->pairs = pairs;
	if (pairs != before && net->pairs_changed)
		return net->pairs_changed(net->ctx, pairs);
	return 0;
}

static int set_rx(struct vhost_net *net, uint8_t command, const uint8_t *arg,
		  size_t len)
{
	if (len != 1)
		return -EINVAL;
	if (command == VIRTIO_NET_CTRL_RX_PROMISC)
		net->promisc = *arg;
	else if (command == VIRTIO_NET_CTRL_RX_ALLMULTI)
		net->allmulti = *arg;
	else
		return -EINVAL;
	return 0;
}

/*
 * MAC_TABLE_SET sets a filter of addresses. The device receives everything
 * anyway, so the filter is accepted and not used.
 */
static int set_mac(struct vhost_net *net, uint8_t command, const uint8_t *arg,
		   size_t len)
{
	if (command == VIRTIO_NET_CTRL_MAC_TABLE_SET)
		return len < 2 * sizeof(uint32_t) ? -EINVAL : 0;
	if (command != VIRTIO_NET_CTRL_MAC_ADDR_SET || len != ETH_ALEN)
		return -EINVAL;
	memcpy(net->mac, arg, ETH_ALEN);
	return 0;
}

/**
 * vhost_net_control - execute a command of the control queue
 * @net: device
 * @features: negotiated features
 * @buf: the command
 * @len: size of @buf
 * @total: bytes of the command, which may be more than @len
 *
 * Return: VIRTIO_NET_OK or VIRTIO_NET_ERR.
 */
uint8_t vhost_net_control(struct vhost_net *net, uint64_t features,
			  const uint8_t *buf, size_t len, size_t total)
{
	const size_t head = sizeof(struct virtio_net_ctrl_hdr);
	int ret = -EINVAL;

	if (len < head)
		return VIRTIO_NET_ERR;
	switch (buf[0]) {
	case VIRTIO_NET_CTRL_RX:
		ret = set_rx(net, buf[1], buf + head, total - head);
		break;
	case VIRTIO_NET_CTRL_MAC:
		ret = set_mac(net, buf[1], buf + head, total - head);
		break;
	case VIRTIO_NET_CTRL_ANNOUNCE:
		if (buf[1] == VIRTIO_NET_CTRL_ANNOUNCE_ACK) {
			net->announce = false;
			ret = 0;
		}
		break;
	case VIRTIO_NET_CTRL_MQ:
		if (buf[1] == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
			ret = set_pairs(net, features, buf + head,
					total - head);
		break;
	}
	return ret ? VIRTIO_NET_ERR : VIRTIO_NET_OK;
}

/**
 * vhost_net_serve - execute the commands in the control queue, 64 at most
 * @net: device
 * @ring: control queue
 * @features: negotiated features
 * @more: set to true if there may be further commands
 *
 * Return: 1 if the driver wants an interrupt, 0 if not; -EPROTO or another
 * errno if the queue is corrupt.
 */
int vhost_net_serve(struct vhost_net *net, struct vqueue *ring,
		    uint64_t features, bool *more)
{
	unsigned int done;
	struct vqueue_request req;
	uint8_t buf[CONTROL_MAX], ack;
	size_t total;
	int ret = 0;

	*more = false;
	for (done = 0; done < BURST; done++) {
		ret = vqueue_pop(ring, &req);
		if (ret)
			break;
		ret = vqueue_gather(ring, &req, buf, sizeof(buf), &total);
		if (ret)
			return ret;
		ack = vhost_net_control(
			net, features, buf,
			total < sizeof(buf) ? total : sizeof(buf), total);
		if (net->changed)
			net->changed(net->ctx);
		ret = vqueue_scatter(ring, &req, &ack, sizeof(ack));
		if (!ret)
			ret = vqueue_push(ring, &req, sizeof(ack));
		if (ret)
			return ret;
	}
	if (ret && ret != -EAGAIN)
		return ret;
	*more = !ret;
	return done ? vqueue_wants_irq(ring) : 0;
}
