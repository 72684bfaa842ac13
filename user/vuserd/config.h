/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reading a device's configuration space before it is attached.
 *
 * The kernel keeps it for those who show the device under /sys/bus/pci: once
 * the device is attached, only its consumer may read it.
 */
#ifndef VUSERD_CONFIG_H
#define VUSERD_CONFIG_H

#include <linux/vuser.h>
#include <stdint.h>
#include <vuser/client.h>
#include <vuser/sock.h>

/**
 * struct config - the reading of one device's configuration space
 * @sock: the idle socket of a handshake
 * @size: bytes to read
 * @done: bytes read
 * @msg: the reply on its way in
 * @error: why it is useless, for people
 * @data: what was read
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
 * config_start - ask for the first piece
 * @config: uninitialized
 * @desc: of the handshake
 *
 * Return: 0 when there is nothing to read, -EAGAIN: step it when there is
 * input, or an errno of sending.
 */
int config_start(struct config *config, const struct vuser_description *desc);

/* 0: done; -EAGAIN: step again when there is input; else see config->error. */
int config_step(struct config *config);

void config_clear(struct config *config);

#endif /* VUSERD_CONFIG_H */
