/* SPDX-License-Identifier: BSD-3-Clause */
/* Build the result of a handshake. Functions return 0, -ENOMEM or -EPROTO. */
#ifndef VUSER_DESCRIPTION_H
#define VUSER_DESCRIPTION_H

#include <vuser/client.h>
#include <vuser/sock.h>

/* Allocate an empty description. Return: NULL without memory. */
struct vuser_description *vu_description_new(void);
/* Take the twin socket, if the server sent one, out of the reply to VERSION. */
int vu_description_twin(struct vuser_description *desc, bool offered,
			struct vuser_msg *msg);
/* Add the region @index, and take its file out of the reply @msg. */
int vu_description_region(struct vuser_description *desc, uint32_t index,
			  const struct vfio_user_region_info *info,
			  const struct vuser_region_caps *caps,
			  struct vuser_msg *msg);
/* Add the ioeventfds of the region @index, and take their fds out of @msg. */
int vu_description_io_fds(struct vuser_description *desc, uint32_t index,
			  const struct vfio_user_io_fd *io_fds, uint32_t count,
			  struct vuser_msg *msg);

#endif /* VUSER_DESCRIPTION_H */
