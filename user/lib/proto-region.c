// SPDX-License-Identifier: BSD-3-Clause
/* Messages that describe regions, with their capabilities and io fds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <vuser/proto.h>

#include "../libbase/abi.h"
#include "payload.h"

ssize_t vuser_encode_region_info(void *buf, size_t size, uint32_t index,
				 uint32_t argsz)
{
	struct vfio_user_region_info info = {
		.argsz = argsz,
		.index = index,
	};

	if (argsz < sizeof(info))
		return -EINVAL;
	return vu_payload_put(buf, size, &info, sizeof(info));
}

int vuser_decode_region_info(const void *buf, size_t len,
			     struct vfio_user_region_info *info)
{
	int ret = vu_payload_exact(buf, len, info, sizeof(*info));

	if (ret)
		return ret;
	return info->argsz < sizeof(*info) ? -EINVAL : 0;
}

static size_t caps_size(const struct vuser_region_caps *caps)
{
	size_t size = 0;

	if (caps->has_sparse)
		size += sizeof(struct vfio_user_cap_sparse_mmap) +
			caps->nr_areas * sizeof(caps->areas[0]);
	if (caps->has_type)
		size += sizeof(struct vfio_user_cap_type);
	return size;
}

/* Write the capabilities at @buf + @pos; the caller has checked the size. */
static void put_caps(char *buf, size_t pos,
		     const struct vuser_region_caps *caps)
{
	struct vfio_user_cap_sparse_mmap sparse = {
		.header = { VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 },
		.nr_areas = caps->nr_areas,
	};
	struct vfio_user_cap_type type = {
		.header = { VFIO_REGION_INFO_CAP_TYPE, 1, 0 },
		.type = caps->type,
		.subtype = caps->subtype,
	};
	size_t areas = caps->nr_areas * sizeof(caps->areas[0]);

	if (caps->has_sparse) {
		if (caps->has_type)
			sparse.header.next = pos + sizeof(sparse) + areas;
		memcpy(buf + pos, &sparse, sizeof(sparse));
		pos += sizeof(sparse);
		memcpy(buf + pos, caps->areas, areas);
		pos += areas;
	}
	if (caps->has_type)
		memcpy(buf + pos, &type, sizeof(type));
}

ssize_t vuser_encode_region_info_reply(void *buf, size_t size, uint32_t argsz,
				       const struct vfio_user_region_info *info,
				       const struct vuser_region_caps *given)
{
	struct vfio_user_region_info out = *info;
	struct vuser_region_caps caps;
	size_t caps_len, full;
	int ret;

	ret = vu_abi_read(&caps, sizeof(caps), given, sizeof(caps));
	if (ret)
		return ret;
	if (caps.nr_areas > VUSER_MAX_AREAS)
		return -EINVAL;
	caps_len = caps_size(&caps);
	full = sizeof(out) + caps_len;
	out.argsz = full;
	out.cap_offset = 0;
	out.flags &= ~VFIO_REGION_INFO_FLAG_CAPS;
	if (caps_len)
		out.flags |= VFIO_REGION_INFO_FLAG_CAPS;
	if (full > argsz)
		return vu_payload_put(buf, size, &out, sizeof(out));
	if (full > size)
		return -ENOBUFS;
	if (caps_len) {
		out.cap_offset = sizeof(out);
		put_caps(buf, sizeof(out), &caps);
	}
	memcpy(buf, &out, sizeof(out));
	return full;
}

static int area_compare(const void *a, const void *b)
{
	const struct vfio_user_sparse_area *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int get_sparse(const char *buf, size_t len, size_t pos,
		      uint64_t region_size, struct vuser_region_caps *caps)
{
	struct vfio_user_cap_sparse_mmap sparse;
	const struct vfio_user_sparse_area *area;
	uint64_t end = 0;
	uint32_t i;

	if (caps->has_sparse || len - pos < sizeof(sparse))
		return -EINVAL;
	memcpy(&sparse, buf + pos, sizeof(sparse));
	pos += sizeof(sparse);
	if (sparse.nr_areas > VUSER_MAX_AREAS ||
	    sparse.nr_areas > (len - pos) / sizeof(*area))
		return -EINVAL;

	caps->has_sparse = true;
	caps->nr_areas = sparse.nr_areas;
	memcpy(caps->areas, buf + pos, sparse.nr_areas * sizeof(*area));
	qsort(caps->areas, caps->nr_areas, sizeof(*area), area_compare);
	for (i = 0; i < caps->nr_areas; i++) {
		area = &caps->areas[i];
		if (!area->size || area->offset < end ||
		    area->offset > region_size ||
		    area->size > region_size - area->offset)
			return -EINVAL;
		end = area->offset + area->size;
	}
	return 0;
}

static int get_type(const char *buf, size_t len, size_t pos,
		    struct vuser_region_caps *caps)
{
	struct vfio_user_cap_type type;

	if (caps->has_type || len - pos < sizeof(type))
		return -EINVAL;
	memcpy(&type, buf + pos, sizeof(type));
	caps->has_type = true;
	caps->type = type.type;
	caps->subtype = type.subtype;
	return 0;
}

static int get_caps(const char *buf, size_t len, size_t pos,
		    uint64_t region_size, struct vuser_region_caps *caps)
{
	struct vfio_user_cap_header cap;
	size_t last = 0;
	int ret = 0;

	while (pos && !ret) {
		/* Accept only offsets that grow, so that the list cannot loop. */
		if (pos <= last || pos < sizeof(struct vfio_user_region_info) ||
		    pos > len || len - pos < sizeof(cap))
			return -EINVAL;
		memcpy(&cap, buf + pos, sizeof(cap));
		if (cap.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP)
			ret = get_sparse(buf, len, pos, region_size, caps);
		else if (cap.id == VFIO_REGION_INFO_CAP_TYPE)
			ret = get_type(buf, len, pos, caps);
		last = pos;
		pos = cap.next;
	}
	return ret;
}

static int decode_info(const void *buf, size_t len, uint32_t index,
		       struct vfio_user_region_info *info,
		       struct vuser_region_caps *caps)
{
	int ret = vu_payload_at_least(buf, len, info, sizeof(*info));

	if (ret)
		return ret;
	if (info->index != index)
		return -EINVAL;
	if (!(info->flags & VFIO_REGION_INFO_FLAG_CAPS))
		return 0;
	if (info->argsz > len)
		return info->argsz > INT32_MAX ? -EINVAL : (int)info->argsz;
	if (!info->cap_offset)
		return -EINVAL;
	return get_caps(buf, len, info->cap_offset, info->size, caps);
}

int vuser_decode_region_info_reply(const void *buf, size_t len, uint32_t index,
				   struct vfio_user_region_info *info,
				   struct vuser_region_caps *result)
{
	struct vuser_region_caps caps = { 0 };
	int ret = decode_info(buf, len, index, info, &caps);
	int bad = vu_abi_write(result, &caps, sizeof(caps), sizeof(caps));

	return bad ? bad : ret;
}

ssize_t vuser_encode_region_io_fds(void *buf, size_t size, uint32_t index,
				   uint32_t argsz)
{
	struct vfio_user_region_io_fds req = {
		.argsz = argsz,
		.index = index,
	};

	if (argsz < sizeof(req))
		return -EINVAL;
	return vu_payload_put(buf, size, &req, sizeof(req));
}

int vuser_decode_region_io_fds(const void *buf, size_t len,
			       struct vfio_user_region_io_fds *req)
{
	int ret = vu_payload_exact(buf, len, req, sizeof(*req));

	if (ret)
		return ret;
	if (req->argsz < sizeof(*req) || req->flags || req->count)
		return -EINVAL;
	return 0;
}

ssize_t vuser_encode_region_io_fds_reply(void *buf, size_t size, uint32_t argsz,
					 uint32_t index,
					 const struct vfio_user_io_fd *io_fds,
					 uint32_t count)
{
	struct vfio_user_region_io_fds out = {
		.argsz = sizeof(out) + count * sizeof(*io_fds),
		.index = index,
		.count = count,
	};

	if (count > VUSER_MAX_IOEVENTFDS)
		return -EINVAL;
	if (out.argsz > argsz)
		return vu_payload_put(buf, size, &out, sizeof(out));
	if (out.argsz > size)
		return -ENOBUFS;
	memcpy(buf, &out, sizeof(out));
	if (count)
		memcpy((char *)buf + sizeof(out), io_fds,
		       count * sizeof(*io_fds));
	return out.argsz;
}

/* Copy an entry of libvfio-user's layout, without its shadow memory. */
static void get_shadow(struct vfio_user_io_fd *io, const char *entry)
{
	struct vfio_user_io_fd_shadow shadow;

	memcpy(&shadow, entry, sizeof(shadow));
	*io = (struct vfio_user_io_fd) {
		.offset = shadow.offset,
		.size = shadow.size,
		.fd_index = shadow.fd_index,
		.type = shadow.type,
		.flags = shadow.flags,
		.data = shadow.data,
	};
}

static bool io_fd_known(const struct vfio_user_io_fd *io)
{
	return io->type == VFIO_USER_IO_FD_TYPE_IOEVENTFD ||
	       io->type == VFIO_USER_IO_FD_TYPE_IOREGIONFD;
}

static bool io_fd_ok(const struct vfio_user_io_fd *io, uint64_t region_size,
		     uint32_t nr_fds)
{
	return io->fd_index < nr_fds && io->offset < region_size &&
	       io->size <= region_size - io->offset;
}

int vuser_decode_region_io_fds_reply(const void *buf, size_t len,
				     uint32_t index, uint64_t region_size,
				     uint32_t nr_fds,
				     struct vfio_user_io_fd *io_fds,
				     uint32_t max)
{
	struct vfio_user_region_io_fds head;
	int ret = vu_payload_at_least(buf, len, &head, sizeof(head));
	struct vfio_user_io_fd io;
	const char *entry;
	uint32_t i, nr = 0;
	size_t size;

	if (ret)
		return ret;
	if (head.index != index || head.count > max)
		return -EINVAL;
	if (!head.count)
		return 0;
	if (head.argsz != len || (len - sizeof(head)) % head.count)
		return -EMSGSIZE;
	/* The specification subtracts 32, but its fixed part has 16 bytes. */
	size = (len - sizeof(head)) / head.count;
	if (size != sizeof(io) && size != sizeof(struct vfio_user_io_fd_shadow))
		return -EMSGSIZE;
	entry = (const char *)buf + sizeof(head);
	for (i = 0; i < head.count; i++, entry += size) {
		if (size == sizeof(io))
			memcpy(&io, entry, sizeof(io));
		else
			get_shadow(&io, entry);
		/* Without the entry, the client sends a message for a store. */
		if (!io_fd_known(&io))
			continue;
		if (!io_fd_ok(&io, region_size, nr_fds))
			return -EINVAL;
		io_fds[nr++] = io;
	}
	return nr;
}
