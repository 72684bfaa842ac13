/* SPDX-License-Identifier: GPL-2.0 */
/* The state of a device in a file, from which a new process goes on. */
#ifndef VHOST_KEEP_H
#define VHOST_KEEP_H

#include "../../common/state-file.h"
#include "parts.h"

/**
 * struct vhost_kept - contents of the file, in front of two copies of the encoded state
 * @now: the current copy
 * @peer: process ID of the back end that has served the rings last
 */
struct vhost_kept {
	_Atomic uint32_t now;
	_Atomic uint32_t peer;
	uint8_t unused[56];
};

_Static_assert(sizeof(struct vhost_kept) == 64, "the copies are aligned");

/**
 * struct vhost_keep - the state file of a device
 * @file: the file
 * @kept: start of its contents
 * @size: bytes of one copy
 * @last: the state that was stored last, @size bytes
 * @held: no ring runs before the client has announced its memory
 * @restored: the rings ran in a process that was killed
 */
struct vhost_keep {
	struct state_file file;
	struct vhost_kept *kept;
	size_t size;
	uint8_t *last;
	bool held;
	bool restored;
};

int vhost_keep_open(struct vhost_device *dev);
void vhost_keep(struct vhost_device *dev);
bool vhost_keep_same_peer(const struct vhost_device *dev);
void vhost_keep_close(struct vhost_device *dev);

#endif
