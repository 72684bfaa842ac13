// SPDX-License-Identifier: BSD-3-Clause
/*
 * Messages as typed structures: the header, and commands with a payload of fixed size.
 * proto-region.c has the regions, proto-access.c the messages with data, version.c the
 * JSON of VERSION.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <vuser/proto.h>

#include "payload.h"

const char *vuser_command_name(uint16_t command)
{
	static const char *const names[] = {
		[VFIO_USER_VERSION] = "VERSION",
		[VFIO_USER_DMA_MAP] = "DMA_MAP",
		[VFIO_USER_DMA_UNMAP] = "DMA_UNMAP",
		[VFIO_USER_DEVICE_GET_INFO] = "DEVICE_GET_INFO",
		[VFIO_USER_DEVICE_GET_REGION_INFO] = "DEVICE_GET_REGION_INFO",
		[VFIO_USER_DEVICE_GET_REGION_IO_FDS] =
			"DEVICE_GET_REGION_IO_FDS",
		[VFIO_USER_DEVICE_GET_IRQ_INFO] = "DEVICE_GET_IRQ_INFO",
		[VFIO_USER_DEVICE_SET_IRQS] = "DEVICE_SET_IRQS",
		[VFIO_USER_REGION_READ] = "REGION_READ",
		[VFIO_USER_REGION_WRITE] = "REGION_WRITE",
		[VFIO_USER_DMA_READ] = "DMA_READ",
		[VFIO_USER_DMA_WRITE] = "DMA_WRITE",
		[VFIO_USER_DEVICE_RESET] = "DEVICE_RESET",
		[VFIO_USER_REGION_WRITE_MULTI] = "REGION_WRITE_MULTI",
		[VFIO_USER_DEVICE_FEATURE] = "DEVICE_FEATURE",
		[VFIO_USER_MIG_DATA_READ] = "MIG_DATA_READ",
		[VFIO_USER_MIG_DATA_WRITE] = "MIG_DATA_WRITE",
	};

	if (command < sizeof(names) / sizeof(names[0]) && names[command])
		return names[command];
	return "?";
}

void vuser_header_text(char *buf, size_t size,
		       const struct vfio_user_header *hdr)
{
	snprintf(buf, size, "id 0x%04x command %u size %u flags 0x%x error %u",
		 hdr->msg_id, hdr->command, hdr->msg_size, hdr->flags,
		 hdr->error_no);
}

bool vuser_header_is_reply(const struct vfio_user_header *hdr)
{
	switch (hdr->flags & VFIO_USER_FLAGS_TYPE_MASK) {
	case VFIO_USER_FLAGS_TYPE_REPLY:
		return true;
	case VFIO_USER_FLAGS_TYPE_COMMAND:
		return hdr->flags & VFIO_USER_FLAGS_ERROR &&
		       hdr->msg_size == sizeof(*hdr);
	}
	return false;
}

int vuser_decode_header(const void *buf, uint32_t max_size,
			struct vfio_user_header *hdr)
{
	uint32_t type;

	memmove(hdr, buf, sizeof(*hdr));
	type = hdr->flags & VFIO_USER_FLAGS_TYPE_MASK;
	if (type != VFIO_USER_FLAGS_TYPE_COMMAND &&
	    type != VFIO_USER_FLAGS_TYPE_REPLY)
		return -EINVAL;
	if (hdr->msg_size < sizeof(*hdr))
		return -EINVAL;
	if (hdr->msg_size > max_size)
		return -EMSGSIZE;
	return 0;
}

/* Whether a range is not empty and does not wrap. */
static bool range_ok(uint64_t start, uint64_t size)
{
	return size && size - 1 <= UINT64_MAX - start;
}

ssize_t vuser_encode_dma_map(void *buf, size_t size, uint64_t address,
			     uint64_t length, uint64_t offset, uint32_t flags)
{
	struct vfio_user_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.offset = offset,
		.address = address,
		.size = length,
	};

	return vu_payload_put(buf, size, &map, sizeof(map));
}

int vuser_decode_dma_map(const void *buf, size_t len,
			 struct vfio_user_dma_map *map)
{
	const uint32_t known = VFIO_USER_DMA_MAP_READ | VFIO_USER_DMA_MAP_WRITE;
	int ret = vu_payload_exact(buf, len, map, sizeof(*map));

	if (ret)
		return ret;
	if (map->argsz < sizeof(*map) || map->flags & ~known ||
	    !range_ok(map->address, map->size) ||
	    !range_ok(map->offset, map->size))
		return -EINVAL;
	return 0;
}

ssize_t vuser_encode_dma_unmap(void *buf, size_t size, uint64_t address,
			       uint64_t length)
{
	struct vfio_user_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.address = address,
		.size = length,
	};

	return vu_payload_put(buf, size, &unmap, sizeof(unmap));
}

int vuser_decode_dma_unmap(const void *buf, size_t len,
			   struct vfio_user_dma_unmap *unmap)
{
	int ret = vu_payload_exact(buf, len, unmap, sizeof(*unmap));

	if (ret)
		return ret;
	if (unmap->argsz < sizeof(*unmap))
		return -EINVAL;
	if (unmap->flags == VFIO_USER_DMA_UNMAP_ALL)
		return unmap->address || unmap->size ? -EINVAL : 0;
	if (unmap->flags || !range_ok(unmap->address, unmap->size))
		return -EINVAL;
	return 0;
}

int vuser_decode_dma_unmap_reply(const void *buf, size_t len,
				 const struct vfio_user_dma_unmap *want)
{
	struct vfio_user_dma_unmap unmap;
	int ret;

	if (!len)
		return 0;
	ret = vu_payload_exact(buf, len, &unmap, sizeof(unmap));
	if (ret)
		return ret;
	if (unmap.address != want->address || unmap.size != want->size)
		return -EINVAL;
	return 0;
}

ssize_t vuser_encode_device_info(void *buf, size_t size, uint32_t flags,
				 uint32_t num_regions, uint32_t num_irqs)
{
	struct vfio_user_device_info info = {
		.argsz = sizeof(info),
		.flags = flags,
		.num_regions = num_regions,
		.num_irqs = num_irqs,
	};

	return vu_payload_put(buf, size, &info, sizeof(info));
}

int vuser_decode_device_info(const void *buf, size_t len,
			     struct vfio_user_device_info *info)
{
	int ret = vu_payload_exact(buf, len, info, sizeof(*info));

	if (ret)
		return ret;
	return info->argsz < sizeof(*info) ? -EINVAL : 0;
}

int vuser_decode_device_info_reply(const void *buf, size_t len,
				   struct vfio_user_device_info *info)
{
	int ret = vu_payload_at_least(buf, len, info, sizeof(*info));

	if (ret)
		return ret;
	if (info->num_regions > VUSER_MAX_REGIONS ||
	    info->num_irqs > VUSER_MAX_IRQ_INDEXES)
		return -EINVAL;
	return 0;
}

ssize_t vuser_encode_irq_info(void *buf, size_t size, uint32_t index,
			      uint32_t flags, uint32_t count)
{
	struct vfio_user_irq_info info = {
		.argsz = sizeof(info),
		.flags = flags,
		.index = index,
		.count = count,
	};

	return vu_payload_put(buf, size, &info, sizeof(info));
}

int vuser_decode_irq_info(const void *buf, size_t len,
			  struct vfio_user_irq_info *info)
{
	int ret = vu_payload_exact(buf, len, info, sizeof(*info));

	if (ret)
		return ret;
	return info->argsz < sizeof(*info) ? -EINVAL : 0;
}

int vuser_decode_irq_info_reply(const void *buf, size_t len, uint32_t index,
				struct vfio_user_irq_info *info)
{
	int ret = vu_payload_at_least(buf, len, info, sizeof(*info));

	if (ret)
		return ret;
	if (info->index != index || info->count > VUSER_MAX_IRQS)
		return -EINVAL;
	return 0;
}

/* Exactly one type of data and one action, and no other flags. */
static bool irq_flags_ok(uint32_t flags)
{
	uint32_t data = flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	uint32_t action = flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;

	return !(flags & ~(data | action)) && data && !(data & (data - 1)) &&
	       action && !(action & (action - 1));
}

static int irq_set_check(const struct vfio_user_irq_set *set)
{
	if (!irq_flags_ok(set->flags))
		return -EINVAL;
	/* A count of 0 means all interrupts of the type, without data. */
	if (!set->count &&
	    (set->start || !(set->flags & VFIO_IRQ_SET_DATA_NONE)))
		return -EINVAL;
	if (set->count > VUSER_MAX_IRQS || set->start > VUSER_MAX_IRQS)
		return -EINVAL;
	return 0;
}

ssize_t vuser_encode_irq_set(void *buf, size_t size, uint32_t flags,
			     uint32_t index, uint32_t start, uint32_t count,
			     const uint8_t *bools)
{
	size_t data = flags & VFIO_IRQ_SET_DATA_BOOL ? count : 0;
	struct vfio_user_irq_set set = {
		.argsz = sizeof(set) + data,
		.flags = flags,
		.index = index,
		.start = start,
		.count = count,
	};
	int ret = irq_set_check(&set);

	if (ret)
		return ret;
	if (sizeof(set) + data > size)
		return -ENOBUFS;
	memcpy(buf, &set, sizeof(set));
	if (data)
		memcpy((char *)buf + sizeof(set), bools, data);
	return sizeof(set) + data;
}

int vuser_decode_irq_set(const void *buf, size_t len, uint32_t nr_fds,
			 struct vfio_user_irq_set *set, const uint8_t **bools)
{
	int ret = vu_payload_at_least(buf, len, set, sizeof(*set));
	size_t data = 0;

	if (ret)
		return ret;
	ret = irq_set_check(set);
	if (ret)
		return ret;
	*bools = NULL;
	if (set->flags & VFIO_IRQ_SET_DATA_BOOL) {
		data = set->count;
		*bools = (const uint8_t *)buf + sizeof(*set);
	}
	if (len != sizeof(*set) + data)
		return -EMSGSIZE;
	if (set->argsz < len)
		return -EINVAL;
	if (nr_fds &&
	    (!(set->flags & VFIO_IRQ_SET_DATA_EVENTFD) || nr_fds != set->count))
		return -EINVAL;
	return 0;
}

int vuser_decode_empty(const void *buf, size_t len)
{
	(void)buf;
	return len ? -EMSGSIZE : 0;
}

static bool feature_flags_ok(uint32_t flags)
{
	const uint32_t ops = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET |
			     VFIO_DEVICE_FEATURE_PROBE;
	uint32_t op = flags & ops;

	if (flags & ~(ops | VFIO_DEVICE_FEATURE_MASK) || !op)
		return false;
	return op & VFIO_DEVICE_FEATURE_PROBE ||
	       op != (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET);
}

ssize_t vuser_encode_feature(void *buf, size_t size, uint32_t argsz,
			     uint32_t flags, const void *data, size_t data_len)
{
	struct vfio_user_device_feature feature = {
		.argsz = argsz,
		.flags = flags,
	};

	if (!feature_flags_ok(flags) || argsz < sizeof(feature))
		return -EINVAL;
	if (data_len > size || sizeof(feature) > size - data_len)
		return -ENOBUFS;
	memcpy(buf, &feature, sizeof(feature));
	/* The data of a reply to GET may be in place already. */
	if (data_len)
		memmove((char *)buf + sizeof(feature), data, data_len);
	return sizeof(feature) + data_len;
}

int vuser_decode_feature(const void *buf, size_t len,
			 struct vfio_user_device_feature *feature,
			 const void **data, size_t *data_len)
{
	int ret = vu_payload_at_least(buf, len, feature, sizeof(*feature));

	if (ret)
		return ret;
	if (feature->argsz < sizeof(*feature) ||
	    !feature_flags_ok(feature->flags))
		return -EINVAL;
	*data = (const char *)buf + sizeof(*feature);
	*data_len = len - sizeof(*feature);
	return 0;
}

int vuser_decode_feature_reply(const void *buf, size_t len, uint32_t flags,
			       const void **data, size_t *data_len)
{
	struct vfio_user_device_feature feature;
	int ret = vuser_decode_feature(buf, len, &feature, data, data_len);

	if (ret)
		return ret;
	return feature.flags == flags ? 0 : -EINVAL;
}

ssize_t vuser_encode_mig_read(void *buf, size_t size, uint32_t count)
{
	struct vfio_user_mig_data mig = {
		.argsz = sizeof(mig) + count,
		.size = count,
	};

	if (count > UINT32_MAX - sizeof(mig))
		return -EINVAL;
	return vu_payload_put(buf, size, &mig, sizeof(mig));
}

int vuser_decode_mig_read(const void *buf, size_t len, uint32_t max_count,
			  uint32_t *count)
{
	struct vfio_user_mig_data mig;
	int ret = vu_payload_exact(buf, len, &mig, sizeof(mig));

	if (ret)
		return ret;
	if (mig.size > max_count || mig.argsz < sizeof(mig) ||
	    mig.argsz - sizeof(mig) < mig.size)
		return -EINVAL;
	*count = mig.size;
	return 0;
}

ssize_t vuser_encode_mig_data(void *buf, size_t size, uint32_t count)
{
	return vuser_encode_mig_read(buf, size, count);
}

int vuser_decode_mig_data(const void *buf, size_t len, uint32_t max_count,
			  uint32_t *count, const void **data)
{
	struct vfio_user_mig_data mig;
	int ret = vu_payload_at_least(buf, len, &mig, sizeof(mig));

	if (ret)
		return ret;
	if (mig.size > max_count || mig.argsz < sizeof(mig))
		return -EINVAL;
	if (len - sizeof(mig) != mig.size)
		return -EMSGSIZE;
	*count = mig.size;
	*data = (const char *)buf + sizeof(mig);
	return 0;
}
