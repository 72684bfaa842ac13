/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device configuration and the control queue of a network device. No
 * vhost-user back end implements these, so this process does.
 */
#ifndef VHOST_NET_H
#define VHOST_NET_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "vqueue.h"

/* The configuration ends after max_virtqueue_pairs and mtu. */
#define VHOST_NET_CONFIG_SIZE 12

/**
 * struct vhost_net - a network device
 * @mac: MAC address, as the driver has set it
 * @first_mac: MAC address after a reset
 * @max_pairs: number of queue pairs of the device
 * @pairs: number of queue pairs that the driver uses
 * @mtu: MTU for the driver, 0: not reported
 * @link: link status: the back end is connected
 * @announce: the driver must announce its address in the network
 * @promisc: receive mode, which no back end applies
 * @allmulti: receive mode, which no back end applies
 * @pairs_changed: called when the driver has changed @pairs, may be NULL
 * @changed: called after a command, before the driver sees its result; may be NULL
 * @ctx: for @pairs_changed and @changed
 */
struct vhost_net {
	uint8_t mac[ETH_ALEN];
	uint8_t first_mac[ETH_ALEN];
	uint16_t max_pairs;
	uint16_t pairs;
	uint16_t mtu;
	bool link;
	bool announce;
	bool promisc;
	bool allmulti;
	int (*pairs_changed)(void *ctx, uint16_t pairs);
	void (*changed)(void *ctx);
	void *ctx;
};

int vhost_net_parse_mac(const char *text, uint8_t mac[ETH_ALEN]);
int vhost_net_random_mac(uint8_t mac[ETH_ALEN]);
uint64_t vhost_net_features(const struct vhost_net *net, uint64_t offered);
uint64_t vhost_net_own_features(void);
void vhost_net_reset(struct vhost_net *net);
void vhost_net_config(const struct vhost_net *net,
		      uint8_t config[VHOST_NET_CONFIG_SIZE]);
uint16_t vhost_net_ctrl_queue(const struct vhost_net *net, uint64_t features);
uint8_t vhost_net_control(struct vhost_net *net, uint64_t features,
			  const uint8_t *buf, size_t len, size_t total);
int vhost_net_serve(struct vhost_net *net, struct vqueue *ring,
		    uint64_t features, bool *more);

#endif
