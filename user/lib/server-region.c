// SPDX-License-Identifier: BSD-3-Clause
/* Regions: descriptions for the client, and accesses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../libbase/abi.h"
#include "server-region.h"
#include "server-request.h"

void vu_server_region_free(struct vu_region *region)
{
	if (!region)
		return;
	free(region->areas);
	free(region->io_fds);
	free(region->io_fd_nums);
	free(region);
}

static bool areas_ok(const struct vuser_server_region *desc)
{
	uint32_t i;

	if (desc->nr_areas > VUSER_MAX_AREAS)
		return false;
	for (i = 0; i < desc->nr_areas; i++)
		if (!desc->areas[i].size ||
		    desc->areas[i].offset > desc->size ||
		    desc->areas[i].size > desc->size - desc->areas[i].offset)
			return false;
	return true;
}

static struct vu_region *new_region(const struct vuser_server_region *desc)
{
	struct vu_region *region = calloc(1, sizeof(*region));

	if (!region)
		return NULL;
	region->areas = calloc(desc->nr_areas ?: 1, sizeof(*region->areas));
	if (!region->areas) {
		free(region);
		return NULL;
	}
	if (desc->nr_areas)
		memcpy(region->areas, desc->areas,
		       desc->nr_areas * sizeof(*region->areas));
	region->desc = *desc;
	region->desc.areas = region->areas;
	return region;
}

int vuser_server_set_region(struct vuser_server *server, uint32_t index,
			    const struct vuser_server_region *given)
{
	struct vuser_server_region desc;
	struct vu_region *region;
	uint32_t max;
	int ret;

	ret = vu_abi_read(&desc, sizeof(desc), given, sizeof(desc));
	if (ret)
		return ret;
	max = desc.access_max;
	if (index >= VUSER_MAX_REGIONS || !areas_ok(&desc) || max > 8 ||
	    (max & (max - 1)))
		return -EINVAL;
	region = new_region(&desc);
	if (!region)
		return -ENOMEM;
	vu_server_region_free(server->regions[index]);
	server->regions[index] = region;
	if (index >= server->nr_regions)
		server->nr_regions = index + 1;
	return 0;
}

int vuser_server_add_ioeventfd(struct vuser_server *server, uint32_t index,
			       uint64_t offset, uint32_t size, uint32_t flags,
			       uint64_t datamatch, int fd)
{
	struct vfio_user_io_fd *io_fds;
	struct vu_region *region;
	uint32_t nr;
	int *nums;

	if (index >= VUSER_MAX_REGIONS || !server->regions[index])
		return -EINVAL;
	region = server->regions[index];
	nr = region->nr_io_fds;
	if (size > 8 || (size & (size - 1)) || fd < 0 ||
	    offset >= region->desc.size || size > region->desc.size - offset)
		return -EINVAL;
	if (nr == VUSER_MAX_IOEVENTFDS)
		return -ENOSPC;
	nums = realloc(region->io_fd_nums, (nr + 1) * sizeof(*nums));
	if (!nums)
		return -ENOMEM;
	region->io_fd_nums = nums;
	io_fds = realloc(region->io_fds, (nr + 1) * sizeof(*io_fds));
	if (!io_fds)
		return -ENOMEM;
	region->io_fds = io_fds;
	nums[nr] = fd;
	io_fds[nr] = (struct vfio_user_io_fd) {
		.offset = offset,
		.size = size,
		.type = VFIO_USER_IO_FD_TYPE_IOEVENTFD,
		.flags = flags,
		.data = datamatch,
	};
	region->nr_io_fds++;
	return 0;
}

static bool can_share(const struct vuser_server *server,
		      const struct vu_region *region)
{
	return region->desc.fd >= 0 && server->peer.max_msg_fds;
}

static void get_caps(const struct vu_region *region, bool shared,
		     struct vuser_region_caps *caps)
{
	const struct vuser_server_region *desc = &region->desc;

	caps->has_type = desc->has_type;
	caps->type = desc->type;
	caps->subtype = desc->subtype;
	if (!shared || !desc->nr_areas)
		return;
	caps->has_sparse = true;
	caps->nr_areas = desc->nr_areas;
	memcpy(caps->areas, desc->areas,
	       desc->nr_areas * sizeof(caps->areas[0]));
}

ssize_t vu_server_region_info(struct vuser_server *server,
			      struct vuser_msg *msg)
{
	struct vfio_user_region_info info, out = { 0 };
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	struct vu_region *region;
	bool shared = false;
	ssize_t ret;

	ret = vuser_decode_region_info(msg->payload, msg->len, &info);
	if (ret)
		return ret;
	if (info.index >= server->nr_regions)
		return -EINVAL;
	out.index = info.index;
	region = server->regions[info.index];
	if (region) {
		shared = can_share(server, region);
		out.size = region->desc.size;
		out.flags = region->desc.flags;
		get_caps(region, shared, &caps);
	}
	if (shared) {
		out.flags |= VFIO_REGION_INFO_FLAG_MMAP;
		out.offset = region->desc.fd_offset;
	}
	ret = vuser_encode_region_info_reply(server->reply, server->reply_size,
					     info.argsz, &out, &caps);
	/* If the client must ask again, it gets the file with the second reply. */
	if (shared && ret > 0 &&
	    ((struct vfio_user_region_info *)server->reply)->argsz ==
		    (uint32_t)ret)
		server->reply_fds[server->nr_reply_fds++] = region->desc.fd;
	return ret;
}

/* Add @fd to the reply. Return: its index, or -1 when there is no room. */
static int reply_fd(struct vuser_server *server, int fd)
{
	uint32_t i;

	for (i = 0; i < server->nr_reply_fds; i++)
		if (server->reply_fds[i] == fd)
			return i;
	if (i == server->peer.max_msg_fds)
		return -1;
	server->reply_fds[server->nr_reply_fds++] = fd;
	return i;
}

ssize_t vu_server_region_io_fds(struct vuser_server *server,
				struct vuser_msg *msg)
{
	struct vfio_user_region_io_fds req;
	struct vu_region *region;
	uint32_t i, count = 0;
	int ret, fd_index;
	size_t full;

	ret = vuser_decode_region_io_fds(msg->payload, msg->len, &req);
	if (ret)
		return ret;
	if (req.index >= server->nr_regions)
		return -EINVAL;
	region = server->regions[req.index];
	/* For ioeventfds beyond its limit of fds, the client sends messages. */
	for (i = 0; region && i < region->nr_io_fds; i++) {
		fd_index = reply_fd(server, region->io_fd_nums[i]);
		if (fd_index < 0)
			break;
		region->io_fds[i].fd_index = fd_index;
		count++;
	}
	full = sizeof(req) + count * sizeof(*region->io_fds);
	if (full > req.argsz)
		server->nr_reply_fds = 0;
	return vuser_encode_region_io_fds_reply(
		server->reply, server->reply_size, req.argsz, req.index,
		region ? region->io_fds : NULL, count);
}

/* Check an access. *@region is a result. */
static int check_access(struct vuser_server *server, uint32_t index,
			uint64_t offset, uint32_t count, uint32_t flag,
			struct vu_region **region)
{
	if (index >= server->nr_regions || !server->regions[index])
		return -EINVAL;
	*region = server->regions[index];
	if (!((*region)->desc.flags & flag))
		return -EPERM;
	if (offset > (*region)->desc.size ||
	    count > (*region)->desc.size - offset)
		return -EINVAL;
	return 0;
}

/* Size of the largest naturally aligned part at @offset. */
static uint32_t piece(uint64_t offset, uint32_t count, uint32_t max)
{
	while (max > count || offset % max)
		max /= 2;
	return max;
}

/* The callback of the region for one part of an access. */
static int call_region(struct vuser_server *server, const struct vu_access *a,
		       void *buf, uint32_t count)
{
	const struct vuser_server_region *desc = &a->region->desc;

	if (a->write)
		return desc->write(server->data, a->index, a->offset, buf,
				   count);
	return desc->read(server->data, a->index, a->offset, buf, count);
}

/* Make one part of an access. *@request is set if the device defers it. */
static int make_part(struct vuser_server *server, struct vu_access *a,
		     struct vuser_request **request)
{
	const bool split = a->region->desc.access_max;
	uint64_t val = 0;
	void *buf = split ? (void *)&val : a->buf;
	struct vu_callback callback = {
		.access = true,
		.count = a->part,
		.data = a->write ? buf : NULL,
		.reply_len = server->cmd->reply_len,
	};
	int ret;

	if (split && a->write)
		memcpy(&val, a->buf, a->part);
	vu_server_request_begin(server, &callback);
	ret = call_region(server, a, buf, a->part);
	*request = vu_server_request_end(server);
	if (split && !a->write && !ret && !*request)
		memcpy(a->buf, &val, a->part);
	return ret;
}

/* Continue after the part that is made. */
static void advance(struct vu_access *a)
{
	a->offset += a->part;
	a->buf += a->part;
	a->left -= a->part;
}

/* The buffer of the server holds the reply so far. Other commands will use it. */
static void keep_reply(struct vuser_server *server, struct vu_cmd *cmd)
{
	size_t len = cmd->access.buf - server->reply;

	memcpy(cmd->reply, server->reply, len);
	cmd->access.buf = cmd->reply + len;
}

/*
 * Make what is left of the access of the command that is served. Return: 0; -errno; or
 * VU_LATER.
 */
static int make_access(struct vuser_server *server, vu_cmd_step step)
{
	struct vu_cmd *cmd = server->cmd;
	struct vu_access *a = &cmd->access;
	uint32_t max = a->region->desc.access_max;
	struct vuser_request *request;
	bool kept = cmd->reply;
	int ret;

	if (!(a->write ? !!a->region->desc.write : !!a->region->desc.read))
		return -EPERM;
	if (max && !a->left)
		return 0;
	do {
		a->part = max ? piece(a->offset, a->left, max) : a->left;
		ret = make_part(server, a, &request);
		if (request) {
			if (!a->write && !kept)
				keep_reply(server, cmd);
			return vu_server_request_suspend(server, request, step);
		}
		if (ret)
			return ret < 0 ? ret : 0;
		advance(a);
	} while (a->left);
	return 0;
}

/* The device has made the part that it had deferred: make what is left. */
static int continue_access(struct vuser_server *server,
			   struct vuser_request *request, vu_cmd_step step)
{
	struct vu_access *a = &server->cmd->access;

	if (request->result < 0)
		return request->result;
	if (!a->write)
		memcpy(a->buf, request->data, a->part);
	advance(a);
	return a->left ? make_access(server, step) : 0;
}

/* Return: the length of the reply, or @ret if it is an errno or VU_LATER. */
static ssize_t end_read(const struct vuser_server *server, int ret)
{
	return ret ? ret : (ssize_t)server->cmd->reply_len;
}

static ssize_t continue_read(struct vuser_server *server,
			     struct vuser_request *request)
{
	return end_read(server,
			continue_access(server, request, continue_read));
}

ssize_t vu_server_region_read(struct vuser_server *server,
			      struct vuser_msg *msg)
{
	struct vu_cmd *cmd = server->cmd;
	struct vfio_user_region_access access;
	struct vu_region *region;
	ssize_t len;
	int ret;

	ret = vuser_decode_region_access(msg->payload, msg->len,
					 server->config.max_data_xfer_size,
					 &access);
	if (ret)
		return ret;
	ret = check_access(server, access.region, access.offset, access.count,
			   VFIO_REGION_INFO_FLAG_READ, &region);
	if (ret)
		return ret;
	len = vuser_encode_region_access(server->reply, server->reply_size,
					 access.region, access.offset,
					 access.count);
	cmd->reply_len = len + access.count;
	cmd->access = (struct vu_access) {
		.region = region,
		.index = access.region,
		.offset = access.offset,
		.left = access.count,
		.buf = server->reply + len,
	};
	return end_read(server, make_access(server, continue_read));
}

/* The reply repeats the command, without the data. */
static ssize_t end_write(struct vuser_server *server, int ret)
{
	struct vfio_user_region_access access;

	if (ret)
		return ret;
	memcpy(&access, server->cmd->payload, sizeof(access));
	return vuser_encode_region_access(server->reply, server->reply_size,
					  access.region, access.offset,
					  access.count);
}

static ssize_t continue_write(struct vuser_server *server,
			      struct vuser_request *request)
{
	return end_write(server,
			 continue_access(server, request, continue_write));
}

ssize_t vu_server_region_write(struct vuser_server *server,
			       struct vuser_msg *msg)
{
	struct vfio_user_region_access access;
	struct vu_region *region;
	const void *data;
	int ret;

	ret = vuser_decode_region_access_data(msg->payload, msg->len,
					      server->config.max_data_xfer_size,
					      &access, &data);
	if (ret)
		return ret;
	ret = check_access(server, access.region, access.offset, access.count,
			   VFIO_REGION_INFO_FLAG_WRITE, &region);
	if (ret)
		return ret;
	server->cmd->access = (struct vu_access) {
		.region = region,
		.index = access.region,
		.write = true,
		.offset = access.offset,
		.left = access.count,
		.buf = (char *)data,
	};
	return end_write(server, make_access(server, continue_write));
}

static ssize_t continue_write_multi(struct vuser_server *server,
				    struct vuser_request *request);

static int start_single_write(struct vuser_server *server,
			      const struct vfio_user_single_write *wr)
{
	struct vu_region *region;
	int ret;

	ret = check_access(server, wr->region, wr->offset, wr->count,
			   VFIO_REGION_INFO_FLAG_WRITE, &region);
	if (ret)
		return ret;
	server->cmd->access = (struct vu_access) {
		.region = region,
		.index = wr->region,
		.write = true,
		.offset = wr->offset,
		.left = wr->count,
		.buf = (char *)wr->data,
	};
	return make_access(server, continue_write_multi);
}

/* Make the writes that are left. @ret is the result of the current write. */
static ssize_t write_multi(struct vuser_server *server, int ret)
{
	struct vu_cmd *cmd = server->cmd;

	while (!ret && ++cmd->nr_written < cmd->nr_writes)
		ret = start_single_write(server, &cmd->writes[cmd->nr_written]);
	/*
	 * Reply the number of completed writes. If it is 0, reply the error instead.
	 */
	if (ret == VU_LATER || (ret < 0 && !cmd->nr_written))
		return ret;
	return vuser_encode_write_multi_reply(server->reply, server->reply_size,
					      cmd->nr_written);
}

static ssize_t continue_write_multi(struct vuser_server *server,
				    struct vuser_request *request)
{
	return write_multi(server, continue_access(server, request,
						   continue_write_multi));
}

ssize_t vu_server_region_write_multi(struct vuser_server *server,
				     struct vuser_msg *msg)
{
	struct vu_cmd *cmd = server->cmd;
	ssize_t nr;

	nr = vuser_decode_write_multi(msg->payload, msg->len, &cmd->writes);
	if (nr < 0)
		return nr;
	cmd->nr_writes = nr;
	return write_multi(server, start_single_write(server, cmd->writes));
}
