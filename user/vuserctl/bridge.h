/* SPDX-License-Identifier: GPL-2.0 */
/* A vuser-vhost of a device's own, for `create --vhost` and `remove`. */
#ifndef VUSERCTL_BRIDGE_H
#define VUSERCTL_BRIDGE_H

#include <stddef.h>

/**
 * bridge_start - start a vuser-vhost and wait until it serves
 * @uuid: of the device
 * @what: TYPE:PATH[,OPTION[=VALUE]]...
 * @endpoint: set to where it serves
 * @size: of @endpoint
 *
 * It goes on when vuserctl has ended.
 *
 * Return: 0, or an exit status after complaining.
 */
int bridge_start(const char *uuid, const char *what, char *endpoint,
		 size_t size);

/* bridge_stop - end that of a device, where there is one, and wait for it */
void bridge_stop(const char *uuid);

#endif /* VUSERCTL_BRIDGE_H */
