// SPDX-License-Identifier: BSD-3-Clause
/* Messages with data: "Read and Write Operations". */
#include <errno.h>
#include <string.h>

#include <vuser/proto.h>

#include "payload.h"

ssize_t vuser_encode_region_access(void *buf, size_t size, uint32_t region,
				   uint64_t offset, uint32_t count)
{
	struct vfio_user_region_access access = {
		.offset = offset,
		.region = region,
		.count = count,
	};

	return vu_payload_put(buf, size, &access, sizeof(access));
}

static int region_access_check(const struct vfio_user_region_access *access,
			       uint32_t max_count)
{
	if (!access->count || access->count > max_count ||
	    access->count - 1 > UINT64_MAX - access->offset)
		return -EINVAL;
	return 0;
}

int vuser_decode_region_access(const void *buf, size_t len, uint32_t max_count,
			       struct vfio_user_region_access *access)
{
	int ret = vu_payload_exact(buf, len, access, sizeof(*access));

	return ret ?: region_access_check(access, max_count);
}

int vuser_decode_region_access_data(const void *buf, size_t len,
				    uint32_t max_count,
				    struct vfio_user_region_access *access,
				    const void **data)
{
	int ret = vu_payload_at_least(buf, len, access, sizeof(*access));

	if (ret)
		return ret;
	ret = region_access_check(access, max_count);
	if (ret)
		return ret;
	if (len - sizeof(*access) != access->count)
		return -EMSGSIZE;
	*data = (const char *)buf + sizeof(*access);
	return 0;
}

static bool region_echoes(const struct vfio_user_region_access *access,
			  uint32_t region, uint64_t offset, uint32_t count)
{
	return access->region == region && access->offset == offset &&
	       access->count == count;
}

int vuser_decode_region_read_reply(const void *buf, size_t len, uint32_t region,
				   uint64_t offset, uint32_t count,
				   const void **data)
{
	struct vfio_user_region_access access;
	int ret =
		vuser_decode_region_access_data(buf, len, count, &access, data);

	if (ret)
		return ret;
	return region_echoes(&access, region, offset, count) ? 0 : -EINVAL;
}

int vuser_decode_region_write_reply(const void *buf, size_t len,
				    uint32_t region, uint64_t offset,
				    uint32_t count)
{
	struct vfio_user_region_access access;
	int ret = vuser_decode_region_access(buf, len, count, &access);

	if (ret)
		return ret;
	return region_echoes(&access, region, offset, count) ? 0 : -EINVAL;
}

ssize_t vuser_encode_dma_access(void *buf, size_t size, uint64_t address,
				uint64_t count)
{
	struct vfio_user_dma_access access = {
		.address = address,
		.count = count,
	};

	return vu_payload_put(buf, size, &access, sizeof(access));
}

static int dma_access_check(const struct vfio_user_dma_access *access,
			    uint32_t max_count)
{
	if (!access->count || access->count > max_count ||
	    access->count - 1 > UINT64_MAX - access->address)
		return -EINVAL;
	return 0;
}

int vuser_decode_dma_access(const void *buf, size_t len, uint32_t max_count,
			    struct vfio_user_dma_access *access)
{
	int ret = vu_payload_exact(buf, len, access, sizeof(*access));

	return ret ?: dma_access_check(access, max_count);
}

int vuser_decode_dma_access_data(const void *buf, size_t len,
				 uint32_t max_count,
				 struct vfio_user_dma_access *access,
				 const void **data)
{
	int ret = vu_payload_at_least(buf, len, access, sizeof(*access));

	if (ret)
		return ret;
	ret = dma_access_check(access, max_count);
	if (ret)
		return ret;
	if (len - sizeof(*access) != access->count)
		return -EMSGSIZE;
	*data = (const char *)buf + sizeof(*access);
	return 0;
}

int vuser_decode_dma_read_reply(const void *buf, size_t len, uint64_t address,
				uint64_t count, const void **data)
{
	struct vfio_user_dma_access access;
	int ret = vuser_decode_dma_access_data(buf, len, UINT32_MAX, &access,
					       data);

	if (ret)
		return ret;
	if (access.address != address || access.count != count)
		return -EINVAL;
	return 0;
}

int vuser_decode_dma_write_reply(const void *buf, size_t len, uint64_t address,
				 uint64_t count)
{
	struct vfio_user_dma_access access = { 0 };
	uint32_t count32;

	if (len == sizeof(access)) {
		memcpy(&access, buf, len);
	} else if (len == sizeof(access.address) + sizeof(count32)) {
		memcpy(&access.address, buf, sizeof(access.address));
		memcpy(&count32, (const char *)buf + sizeof(access.address),
		       sizeof(count32));
		access.count = count32;
	} else {
		return -EMSGSIZE;
	}
	if (access.address != address || access.count != count)
		return -EINVAL;
	return 0;
}

static bool single_write_ok(const struct vfio_user_single_write *wr)
{
	return wr->count && wr->count <= VFIO_USER_WRITE_MULTI_DATA_MAX &&
	       wr->count - 1 <= UINT64_MAX - wr->offset;
}

ssize_t vuser_encode_write_multi(void *buf, size_t size,
				 const struct vfio_user_single_write *wrs,
				 uint64_t count)
{
	struct vfio_user_write_multi multi = { .wr_cnt = count };
	uint64_t i;

	if (!count)
		return -EINVAL;
	if (size < sizeof(multi) ||
	    count > (size - sizeof(multi)) / sizeof(*wrs))
		return -ENOBUFS;
	for (i = 0; i < count; i++)
		if (!single_write_ok(&wrs[i]))
			return -EINVAL;
	memcpy(buf, &multi, sizeof(multi));
	memcpy((char *)buf + sizeof(multi), wrs, count * sizeof(*wrs));
	return sizeof(multi) + count * sizeof(*wrs);
}

ssize_t vuser_decode_write_multi(const void *buf, size_t len,
				 const struct vfio_user_single_write **wrs)
{
	struct vfio_user_write_multi multi;
	int ret = vu_payload_at_least(buf, len, &multi, sizeof(multi));
	uint64_t i;

	if (ret)
		return ret;
	if (!multi.wr_cnt)
		return -EINVAL;
	if ((len - sizeof(multi)) % sizeof(**wrs) ||
	    (len - sizeof(multi)) / sizeof(**wrs) != multi.wr_cnt)
		return -EMSGSIZE;
	*wrs = (const void *)((const char *)buf + sizeof(multi));
	for (i = 0; i < multi.wr_cnt; i++)
		if (!single_write_ok(&(*wrs)[i]))
			return -EINVAL;
	return multi.wr_cnt;
}

ssize_t vuser_encode_write_multi_reply(void *buf, size_t size, uint64_t count)
{
	struct vfio_user_write_multi multi = { .wr_cnt = count };

	return vu_payload_put(buf, size, &multi, sizeof(multi));
}

int vuser_decode_write_multi_reply(const void *buf, size_t len, uint64_t max,
				   uint64_t *count)
{
	struct vfio_user_write_multi multi;
	int ret = vu_payload_exact(buf, len, &multi, sizeof(multi));

	if (ret)
		return ret;
	if (multi.wr_cnt > max)
		return -EINVAL;
	*count = multi.wr_cnt;
	return 0;
}
