/* SPDX-License-Identifier: GPL-2.0 */
/* The way to a server's socket, which others may have laid. */
#ifndef VUSERD_ENDPOINT_H
#define VUSERD_ENDPOINT_H

/**
 * endpoint_connect - connect to the socket at a path
 * @path: absolute
 *
 * The directory of an endpoint may be a user's, who could put a symbolic link
 * to another user's socket there: vuserd may connect to all of them, so it
 * would give that user's device away.  So a link is followed when it is
 * root's (or our own), or else only to a socket of the link's owner.
 *
 * Return: a socket as of vuser_sock_connect(); -EXDEV for a link as above; or
 * an errno of open(2) or connect(2), -ECONNREFUSED where there is no socket.
 */
int endpoint_connect(const char *path);

#endif /* VUSERD_ENDPOINT_H */
