/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the messages that the server sends. */
#ifndef VUSER_READER_H
#define VUSER_READER_H

#include <linux/types.h>

struct vuser_sock;

void vuser_reader_init(struct vuser_sock *vsk);
void vuser_reader_read(struct vuser_sock *vsk, const bool *done);
void vuser_reader_discard(struct vuser_sock *vsk);
void vuser_reader_shrink(struct vuser_sock *vsk);

#endif /* VUSER_READER_H */
