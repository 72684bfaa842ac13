/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Read the configuration space of a device before it is attached.
 *
 * The kernel keeps a copy for `vuserctl exec`, which shows the device in
 * /sys/bus/pci/devices. When the device is attached, only its consumer can read
 * its configuration space.
 */
#ifndef VUSERD_CONFIG_H
#define VUSERD_CONFIG_H

#include <linux/vuser.h>
#include <stdint.h>
#include <vuser/client.h>
#include <vuser/sock.h>

/**
 * struct config - reads the configuration space of one device
 * @sock: socket after the handshake, without pending messages
 * @size: number of bytes to read
 * @done: number of bytes read so far
 * @msg: the reply that is being received
 * @error: after an error: the reason as text
 * @data: the bytes read so far
 */
struct config {
	int sock;
	uint32_t size;
	uint32_t done;
	struct vuser_msg msg;
	char error[160];
	uint8_t data[VUSER_CONFIG_MAX];
};

/**
 * config_start - send the first request
 * @config: uninitialized
 * @desc: description from the handshake
 *
 * Return: 0 if there is nothing to read; -EAGAIN: call config_step() when there
 * is input; or an errno of sending.
 */
int config_start(struct config *config, const struct vuser_description *desc);

/*
 * Process input. 0: complete; -EAGAIN: call again when there is input; another
 * errno: see config->error.
 */
int config_step(struct config *config);

/* Free the reply that is being received. */
void config_clear(struct config *config);

#endif /* VUSERD_CONFIG_H */
