/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The vuser-vhost process of one device: `create --vhost` starts the process,
 * `remove` ends it.
 */
#ifndef VUSERCTL_BRIDGE_H
#define VUSERCTL_BRIDGE_H

#include <stddef.h>
#include <stdint.h>

/**
 * bridge_start - start a vuser-vhost, and wait until it is ready
 * @uuid: UUID of the device
 * @what: TYPE:PATH[,OPTION[=VALUE]]...
 * @timeout_ms: time limit of the device for one command, in ms
 * @endpoint: set to the path of the socket of vuser-vhost
 * @size: size of @endpoint
 *
 * vuser-vhost continues to run when vuserctl has exited.
 *
 * Return: 0, or an exit status after printing an error.
 */
int bridge_start(const char *uuid, const char *what, uint32_t timeout_ms,
		 char *endpoint, size_t size);

/*
 * End the vuser-vhost of a device, if there is one, and wait until it has
 * exited.
 */
void bridge_stop(const char *uuid);

#endif /* VUSERCTL_BRIDGE_H */
