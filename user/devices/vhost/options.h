/* SPDX-License-Identifier: GPL-2.0 */
/* The options of one device. */
#ifndef VHOST_OPTIONS_H
#define VHOST_OPTIONS_H

#include <linux/if_ether.h>
#include <stdbool.h>
#include <stdint.h>

#include "type.h"

/* The default time that the client waits, in ms, as for a device of vuser.ko. */
#define VHOST_CLIENT_MS 10000

/**
 * struct vhost_device_options - the options of one device
 * @type: type of the device
 * @backend: path of the back end's socket
 * @listen: listen at @backend, instead of connecting to it
 * @queues: queue pairs of a network device, queues of other devices; 0: one
 *	pair for a network device, as many as the back end or its configuration
 *	reports for other devices
 * @queue_size: maximum number of entries, a power of two; 0: the usual number of
 *	the type
 * @no_packed: do not offer packed rings
 * @has_mac: @mac was given
 * @mac: MAC address of a network device
 * @mtu: MTU of a network device, 0: not reported
 * @has_cid: @cid was given
 * @cid: context ID of a vsock device
 * @tag: tag of a file system, NULL: from the back end
 * @config_size: bytes of device configuration, for a type given by its number
 * @backend_timeout_ms: maximum time to wait for the back end while a command of the
 *	client is served, in ms; 0: 40 % of the time that the client waits
 * @client_timeout_ms: time that the client waits for a reply, in ms; 0: VHOST_CLIENT_MS
 * @attributes: directory with the time-outs of a device of vuser, which replace
 *	@client_timeout_ms whenever they can be read; NULL: none
 * @state: path of the file that keeps the state of the device, or NULL
 * @verbose: log when clients and back ends connect and disconnect
 */
struct vhost_device_options {
	struct vhost_type type;
	const char *backend;
	bool listen;
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
	int backend_timeout_ms;
	int client_timeout_ms;
	const char *attributes;
	const char *state;
	bool verbose;
};

#endif
