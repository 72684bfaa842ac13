/* SPDX-License-Identifier: GPL-2.0 */
/* Attach a server to its device in the kernel. */
#ifndef VUSERD_ATTACH_H
#define VUSERD_ATTACH_H

#include <stdbool.h>
#include <stdint.h>
#include <vuser/client.h>

struct vnl_sock;

/**
 * attach - attach a server to its device in the kernel
 * @nl: the socket that owns the device
 * @id: number of the device
 * @token: token of the owner
 * @desc: description from the handshake; still owned by the caller
 * @config: content of configuration space
 * @config_size: size of @config in bytes, 0 without configuration space
 * @replace: the server replaces the one of an open device, as dev-replace asked for
 *
 * Return: 0 or a negative errno; vnl_sock_error() says more.
 */
int attach(struct vnl_sock *nl, uint32_t id, uint64_t token,
	   const struct vuser_description *desc, const uint8_t *config,
	   uint32_t config_size, bool replace);

#endif /* VUSERD_ATTACH_H */
