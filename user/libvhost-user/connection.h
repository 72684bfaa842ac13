/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a connection. */
#ifndef VHOST_USER_CONNECTION_H
#define VHOST_USER_CONNECTION_H

#include "state.h"

/* Close the sockets, without a call of lost(). */
void vhu_connection_close(struct vhost_backend *b);

/* Set the text of the error, call lost(), close the sockets. Return: @err. */
int vhu_connection_fail(struct vhost_backend *b, int err, const char *format,
			...) __attribute__((format(printf, 3, 4)));

#endif /* VHOST_USER_CONNECTION_H */
