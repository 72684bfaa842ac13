/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VUSERD_ATTACH_H
#define VUSERD_ATTACH_H

#include <stdint.h>
#include <vuser/client.h>

struct vnl_sock;

/**
 * attach - give a server to the kernel
 * @nl: the socket that owns the device
 * @id: the device
 * @token: of the owner
 * @desc: of the handshake; stays the caller's
 * @config: configuration space
 * @config_size: bytes of it, 0 for none
 *
 * Return: 0 or a negative errno; vnl_sock_error() says more.
 */
int attach(struct vnl_sock *nl, uint32_t id, uint64_t token,
	   const struct vuser_description *desc, const uint8_t *config,
	   uint32_t config_size);

#endif /* VUSERD_ATTACH_H */
