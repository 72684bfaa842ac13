/* SPDX-License-Identifier: GPL-2.0 */
/* Replies to DEVICE_GET_REGION_IO_FDS in the layout of libvfio-user. */
#ifndef TESTDEV_SHADOW_H
#define TESTDEV_SHADOW_H

struct vuser_msg;

/*
 * Send a reply to DEVICE_GET_REGION_IO_FDS with entries of struct
 * vfio_user_io_fd_shadow. The first entry becomes an ioeventfd with shadow
 * memory, the others stay ioeventfds. Return 0 or -errno.
 */
int shadow_send(int fd, struct vuser_msg *msg);

#endif /* TESTDEV_SHADOW_H */
