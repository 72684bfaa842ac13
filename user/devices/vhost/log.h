/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log of writes to the client's memory, shared with the back-end: one bit
 * for each page of guest addresses, which are IOVAs.
 */
#ifndef VHOST_LOG_H
#define VHOST_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* What vhost-user has a bit for. */
#define VHOST_LOG_PAGE 4096

/*
 * The longest log, bytes, and the address that it ends at: 4 TiB.  It is
 * memory only where something was written, but the back-end maps all of it.
 */
#define VHOST_LOG_MAX (UINT64_C(128) << 20)
#define VHOST_LOG_END (VHOST_LOG_MAX * 8 * VHOST_LOG_PAGE)

/**
 * struct vhost_log - the log
 * @fd: of the memory; nobody can make it smaller
 * @map: it, NULL while nothing is logged
 * @size: bytes
 */
struct vhost_log {
	int fd;
	uint64_t *map;
	uint64_t size;
};

static inline bool vhost_log_on(const struct vhost_log *log)
{
	return log->map;
}

int vhost_log_start(struct vhost_log *log, uint64_t end);
int vhost_log_grow(struct vhost_log *log, uint64_t end);
void vhost_log_stop(struct vhost_log *log);
void vhost_log_mark(struct vhost_log *log, uint64_t iova, uint64_t len);
void vhost_log_take(struct vhost_log *log, uint64_t iova, uint64_t len,
		    uint64_t page_size, uint64_t *bitmap);

#endif
