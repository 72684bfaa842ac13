/* SPDX-License-Identifier: GPL-2.0 */
/* Connect to the socket of a server, whose path users may control. */
#ifndef VUSERD_ENDPOINT_H
#define VUSERD_ENDPOINT_H

/**
 * endpoint_connect - connect to the socket at a path
 * @path: absolute path
 *
 * The directory of an endpoint may belong to a user. This user could put a
 * symbolic link to another user's socket there. vuserd may connect to all
 * sockets, so the user would get the other user's device. Therefore a link is
 * followed only if it belongs to root or to the user of vuserd, or if it leads
 * to a socket of the link's owner.
 *
 * Return: a socket as from vuser_sock_connect(); -EXDEV for a link that is not
 * followed; -ECONNREFUSED if the file is not a socket; or an errno of open(2)
 * or connect(2).
 */
int endpoint_connect(const char *path);

#endif /* VUSERD_ENDPOINT_H */
