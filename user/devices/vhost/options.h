/* SPDX-License-Identifier: GPL-2.0 */
/* The options of one device. */
#ifndef VHOST_OPTIONS_H
#define VHOST_OPTIONS_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "type.h"

/**
 * struct vhost_device_options - what the user said
 * @type: kind of device
 * @backend: the back-end's socket
 * @queues: pairs of queues of a network device, queues of others; 0: what the
 *	back-end or its configuration says, one pair for a network device
 * @queue_size: entries, a power of two
 * @no_packed: packed rings are not offered
 * @has_mac: @mac was given
 * @mac: of a network device
 * @mtu: of a network device, 0: none
 * @has_cid: @cid was given
 * @cid: of a vsock device
 * @tag: of a file system, NULL: the back-end says
 * @config_size: bytes of configuration of a device that is only a number
 * @verbose: log clients and back-ends that come and go
 */
struct vhost_device_options {
	struct vhost_type type;
	const char *backend;
	uint32_t queues;
	uint32_t queue_size;
	bool no_packed;
	bool has_mac;
	uint8_t mac[ETH_ALEN];
	uint16_t mtu;
	bool has_cid;
	uint64_t cid;
	const char *tag;
	uint32_t config_size;
	bool verbose;
};

#endif
