/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: descriptions for the client, and accesses. */
#ifndef VUSER_SERVER_REGION_H
#define VUSER_SERVER_REGION_H

#include "server-state.h"

/* Handlers of commands. Return: the length of server->reply, or -errno. */
ssize_t vu_server_region_info(struct vuser_server *server,
			      struct vuser_msg *msg);
ssize_t vu_server_region_io_fds(struct vuser_server *server,
				struct vuser_msg *msg);
ssize_t vu_server_region_read(struct vuser_server *server,
			      struct vuser_msg *msg);
ssize_t vu_server_region_write(struct vuser_server *server,
			       struct vuser_msg *msg);
ssize_t vu_server_region_write_multi(struct vuser_server *server,
				     struct vuser_msg *msg);

/* Free a region, which may be NULL. */
void vu_server_region_free(struct vu_region *region);

#endif /* VUSER_SERVER_REGION_H */
