/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a network device is besides its rings: configuration and control queue.
 * No vhost-user back-end serves these, so they are served here.
 */
#ifndef VHOST_NET_H
#define VHOST_NET_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "vqueue.h"

/* Up to max_virtqueue_pairs and mtu. */
#define VHOST_NET_CONFIG_SIZE 12

/**
 * struct vhost_net - a network device
 * @mac: as the driver last set it
 * @first_mac: as it is after a reset
 * @max_pairs: pairs of queues there are
 * @pairs: pairs the driver uses
 * @mtu: advice for the driver, 0: none
 * @link: the back-end is there
 * @announce: the driver is asked to announce itself
 * @promisc: receive modes, which no back-end filters by
 * @allmulti: likewise
 * @pairs_changed: @pairs was set; NULL: nobody wants to know
 * @ctx: for it
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
		    uint64_t features);

#endif
