/* SPDX-License-Identifier: GPL-2.0 */
/* Opens, starts and ends the connection to a server. */
#ifndef VUSER_SERVER_H
#define VUSER_SERVER_H

struct socket;
struct vuser_channel;
struct vuser_desc;
struct vuser_server_user;

struct vuser_channel *vuser_server_open(const struct vuser_server_user *user,
					struct vuser_desc *desc,
					struct socket *sock,
					struct socket *twin);
int vuser_server_start(struct vuser_channel *chan);
void vuser_server_idle(struct vuser_channel *chan);
void vuser_server_end(struct vuser_channel *chan);

#endif /* VUSER_SERVER_H */
