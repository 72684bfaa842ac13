/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Accesses of regions that are made while a callback of the device waits, or before the
 * device has answered the requests that it has.
 */
#ifndef VUSER_SERVER_ACCESS_H
#define VUSER_SERVER_ACCESS_H

#include "server-state.h"

/*
 * Get the next command that may be served now. While the device has requests, these are
 * accesses that the callback access_now allows. Return: 0; -EAGAIN when there is none;
 * -EBUSY when the client sends too many commands: receive no more before the device has
 * answered a request; or the errno that ended the connection.
 */
int vu_server_access_next(struct vuser_server *server, struct vuser_msg *msg);

#endif /* VUSER_SERVER_ACCESS_H */
