/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The log of writes to the client's memory, which is shared with the back end.
 * It has one bit for each page of guest addresses, which are IOVAs.
 */
#ifndef VHOST_LOG_H
#define VHOST_LOG_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes for each bit, as vhost-user defines it. */
#define VHOST_LOG_PAGE 4096

/*
 * The maximum size of a log in bytes, and the address where such a log ends: 4
 * TiB. Only pages with bits use memory, but the back end maps the whole log.
 */
#define VHOST_LOG_MAX (UINT64_C(128) << 20)
#define VHOST_LOG_END (VHOST_LOG_MAX * 8 * VHOST_LOG_PAGE)

/**
 * struct vhost_log - the log
 * @fd: file of the log, sealed against shrinking
 * @map: mapping of @fd, NULL while nothing is logged
 * @size: size of the log in bytes
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
