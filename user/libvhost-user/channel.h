/* SPDX-License-Identifier: BSD-3-Clause */
/* The channel for the back end's requests to the front end. */
#ifndef VHOST_USER_CHANNEL_H
#define VHOST_USER_CHANNEL_H

#include "state.h"

/*
 * Receive and answer requests of the back end, without waiting.
 * Return: 0; or the error with which the connection has ended.
 */
int vhu_channel_serve(struct vhost_backend *b);

/* Use @fd as the channel from now on, and close the previous channel. */
void vhu_channel_replace(struct vhost_backend *b, int fd);

#endif /* VHOST_USER_CHANNEL_H */
