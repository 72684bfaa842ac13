// SPDX-License-Identifier: BSD-3-Clause
/* DEVICE_FEATURE: migration, logging of writes, features of the device. */
#include <errno.h>
#include <string.h>

#include "server-dirty.h"
#include "server-feature.h"
#include "server-migration.h"

#define GET   VFIO_DEVICE_FEATURE_GET
#define SET   VFIO_DEVICE_FEATURE_SET
#define PROBE VFIO_DEVICE_FEATURE_PROBE

static bool power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
}

static bool wraps(uint64_t start, uint64_t len)
{
	/* The range may end at 2^64. */
	return len && start + (len - 1) < start;
}

/*
 * Check the ranges to log. The device logs all writes, so the ranges have no
 * other use.
 */
static int check_ranges(const char *data, size_t len, uint32_t nr)
{
	struct vfio_user_log_range range;
	uint32_t i;

	if (nr > len / sizeof(range))
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		memcpy(&range, data + i * sizeof(range), sizeof(range));
		if (!range.length || wraps(range.iova, range.length))
			return -EINVAL;
	}
	return 0;
}

static int start_log(struct vuser_server *server, uint64_t *page)
{
	if (!vu_server_dirty_is_used(server))
		return server->ops.log_start(server->data, page);
	vu_server_dirty_start(server);
	*page = VU_DIRTY_PAGE;
	return 0;
}

static ssize_t log_start(struct vuser_server *server, bool set, void *data,
			 size_t len, size_t size)
{
	struct vfio_user_log_control control;
	uint64_t page = 0;
	int ret;

	(void)set;
	(void)size;
	if (len < sizeof(control))
		return -EINVAL;
	memcpy(&control, data, sizeof(control));
	ret = check_ranges((char *)data + sizeof(control),
			   len - sizeof(control), control.num_ranges);
	if (ret)
		return ret;
	if (server->log_page)
		return -EBUSY;
	ret = start_log(server, &page);
	if (ret)
		return ret;
	server->log_page = page;
	/* The reply has the page size of the device. */
	control.page_size = page;
	memcpy(data, &control, sizeof(control));
	return 0;
}

static ssize_t log_stop(struct vuser_server *server, bool set, void *data,
			size_t len, size_t size)
{
	(void)set;
	(void)data;
	(void)len;
	(void)size;
	vu_server_feature_stop_log(server);
	return 0;
}

static int fill_report(struct vuser_server *server,
		       const struct vfio_user_log_report *report,
		       uint64_t *bitmap)
{
	if (!vu_server_dirty_is_used(server))
		return server->ops.log_report(server->data, report->iova,
					      report->length, report->page_size,
					      bitmap);
	vu_server_dirty_report(server, report->iova, report->length,
			       report->page_size, bitmap);
	return 0;
}

static ssize_t log_report(struct vuser_server *server, bool set, void *data,
			  size_t len, size_t size)
{
	struct vfio_user_log_report report;
	const size_t head = sizeof(report);
	uint64_t page = server->log_page, bits, bytes;
	int ret;

	(void)set;
	if (len < head || !page)
		return -EINVAL;
	memcpy(&report, data, head);
	if (!power_of_two(report.page_size) || report.page_size < page ||
	    report.iova % page || report.length % page || !report.length ||
	    wraps(report.iova, report.length))
		return -EINVAL;
	bits = (report.length - 1) / report.page_size + 1;
	bytes = (bits - 1) / 64 * 8 + 8;
	if (bytes > server->config.max_data_xfer_size)
		return -E2BIG;
	/*
	 * If the bitmap does not fit, reply its length only, and keep the log.
	 */
	if (head + bytes > size)
		return head + bytes;
	memset((char *)data + head, 0, bytes);
	ret = fill_report(server, &report, (void *)((char *)data + head));
	return ret ?: (ssize_t)(head + bytes);
}

void vu_server_feature_stop_log(struct vuser_server *server)
{
	if (server->log_page && vu_server_dirty_is_used(server))
		vu_server_dirty_stop(server);
	else if (server->log_page)
		server->ops.log_stop(server->data);
	server->log_page = 0;
}

typedef ssize_t (*feature)(struct vuser_server *server, bool set, void *data,
			   size_t len, size_t size);

/*
 * Find the handler and the methods of a feature that the library implements.
 * Return: NULL for other features.
 */
static feature find(const struct vuser_server *server, uint32_t index,
		    uint32_t *methods)
{
	const bool migration = server->config.migration;
	const bool logging = server->config.dma_logging;

	switch (index) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		*methods = GET;
		return migration ? vu_server_migration_flags : NULL;
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		*methods = GET | SET;
		return migration ? vu_server_migration_state : NULL;
	case VFIO_DEVICE_FEATURE_MIG_DATA_SIZE:
		*methods = GET;
		return migration && server->ops.mig_size ?
			       vu_server_migration_size :
			       NULL;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		*methods = SET;
		return logging ? log_start : NULL;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP:
		*methods = SET;
		return logging ? log_stop : NULL;
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT:
		*methods = GET;
		return logging ? log_report : NULL;
	default:
		return NULL;
	}
}

static ssize_t serve(struct vuser_server *server, uint32_t flags, void *data,
		     size_t len, size_t size)
{
	uint32_t methods;
	feature own = find(server, flags & VFIO_DEVICE_FEATURE_MASK, &methods);
	ssize_t ret;

	if (own && flags & (GET | SET) & ~methods)
		return -EINVAL;
	if (own)
		return flags & PROBE ?
			       0 :
			       own(server, flags & SET, data, len, size);
	if (!server->ops.feature)
		return -ENOTTY;
	ret = server->ops.feature(server->data, flags, data, len, size);
	return ret > 0 && (size_t)ret > size ? -EIO : ret;
}

ssize_t vu_server_feature(struct vuser_server *server, struct vuser_msg *msg)
{
	const size_t head = sizeof(struct vfio_user_device_feature);
	struct vfio_user_device_feature req;
	size_t len, size, room = server->reply_size - head;
	const void *data;
	ssize_t ret;

	ret = vuser_decode_feature(msg->payload, msg->len, &req, &data, &len);
	if (ret)
		return ret;
	if (len > room)
		return -EMSGSIZE;
	size = req.argsz - head;
	if (size > room)
		size = room;
	if (size < len)
		size = len;
	memcpy(server->reply + head, data, len);
	ret = serve(server, req.flags, server->reply + head, len, size);
	if (ret < 0 || ret == VU_LATER)
		return ret;
	/* The reply to SET and PROBE repeats the command. */
	if (!(req.flags & GET) || req.flags & PROBE)
		ret = len;
	/* "Message sizes": if the data do not fit, reply their length only. */
	return vuser_encode_feature(server->reply, server->reply_size,
				    head + ret, req.flags, server->reply + head,
				    (size_t)ret > size ? 0 : ret);
}
