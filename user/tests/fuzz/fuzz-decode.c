// SPDX-License-Identifier: GPL-2.0
/*
 * The decoders of all payloads, of commands and replies.  The first byte
 * selects a decoder, some decoders take parameters, and the rest is the
 * payload.  Decoded data must be within the payload and within the limits that
 * the decoder promises.
 */
#include <errno.h>
#include <string.h>

#include <vuser/proto.h>

#include "fuzz.h"

struct payload {
	const uint8_t *buf;
	size_t len;
	struct fuzz_in *params;
};

/* Check that decoded data is the rest of the payload. */
static void check_tail(const struct payload *p, const void *data, size_t len)
{
	FUZZ_CHECK((const uint8_t *)data >= p->buf);
	FUZZ_CHECK((const uint8_t *)data + len == p->buf + p->len);
}

/* Check that a range is not empty and does not wrap. */
static void check_range(uint64_t start, uint64_t size)
{
	FUZZ_CHECK(size && size - 1 <= UINT64_MAX - start);
}

/* Check that encoding returns the same payload. */
static void check_echo(const struct payload *p, const void *buf, ssize_t len)
{
	FUZZ_CHECK(len == (ssize_t)p->len && !memcmp(buf, p->buf, len));
}

static void header(const struct payload *p)
{
	struct vfio_user_header hdr;

	if (p->len < sizeof(hdr) || vuser_decode_header(p->buf, 4096, &hdr))
		return;
	FUZZ_CHECK(hdr.msg_size >= sizeof(hdr) && hdr.msg_size <= 4096);
	FUZZ_CHECK(vuser_command_name(hdr.command));
}

static void dma_map(const struct payload *p)
{
	struct vfio_user_dma_map map;

	if (vuser_decode_dma_map(p->buf, p->len, &map))
		return;
	check_range(map.address, map.size);
	check_range(map.offset, map.size);
}

static void dma_unmap(const struct payload *p)
{
	struct vfio_user_dma_unmap unmap;

	if (!vuser_decode_dma_unmap(p->buf, p->len, &unmap) && !unmap.flags)
		check_range(unmap.address, unmap.size);
}

static void dma_unmap_reply(const struct payload *p)
{
	struct vfio_user_dma_unmap want = { 0 };

	want.address = fuzz_u64(p->params);
	want.size = fuzz_u64(p->params);
	vuser_decode_dma_unmap_reply(p->buf, p->len, &want);
}

static void device_info(const struct payload *p)
{
	struct vfio_user_device_info info;

	vuser_decode_device_info(p->buf, p->len, &info);
	if (vuser_decode_device_info_reply(p->buf, p->len, &info))
		return;
	FUZZ_CHECK(info.num_regions <= VUSER_MAX_REGIONS);
	FUZZ_CHECK(info.num_irqs <= VUSER_MAX_IRQ_INDEXES);
}

static void region_info(const struct payload *p)
{
	struct vfio_user_region_info info;
	char buf[sizeof(info)];

	if (vuser_decode_region_info(p->buf, p->len, &info))
		return;
	FUZZ_CHECK(vuser_encode_region_info(buf, sizeof(buf), info.index,
					    info.argsz) == sizeof(info));
}

static void check_areas(const struct vfio_user_region_info *info,
			const struct vuser_region_caps *caps)
{
	const struct vfio_user_sparse_area *area;
	uint64_t end = 0;
	uint32_t i;

	FUZZ_CHECK(caps->nr_areas <= VUSER_MAX_AREAS);
	for (i = 0; i < caps->nr_areas; i++) {
		area = &caps->areas[i];
		FUZZ_CHECK(area->size && area->offset >= end);
		FUZZ_CHECK(area->offset <= info->size);
		FUZZ_CHECK(area->size <= info->size - area->offset);
		end = area->offset + area->size;
	}
}

/* Check that an encoded reply is decoded to the same values. */
static void check_region_again(const struct vfio_user_region_info *info,
			       const struct vuser_region_caps *caps)
{
	struct vfio_user_region_info info2;
	struct vuser_region_caps caps2 = { .struct_size = sizeof(caps2) };
	uint8_t buf[4096];
	ssize_t len;

	len = vuser_encode_region_info_reply(buf, sizeof(buf), sizeof(buf),
					     info, caps);
	FUZZ_CHECK(len > 0);
	FUZZ_CHECK(!vuser_decode_region_info_reply(buf, len, info->index,
						   &info2, &caps2));
	FUZZ_CHECK(info2.size == info->size && info2.offset == info->offset);
	FUZZ_CHECK(!memcmp(caps, &caps2, sizeof(caps2)));
}

static void region_info_reply(const struct payload *p)
{
	struct vfio_user_region_info info;
	struct vuser_region_caps caps = { .struct_size = sizeof(caps) };
	int ret;

	ret = vuser_decode_region_info_reply(p->buf, p->len, fuzz_u8(p->params),
					     &info, &caps);
	if (ret > 0)
		FUZZ_CHECK((size_t)ret > p->len);
	if (ret)
		return;
	check_areas(&info, &caps);
	check_region_again(&info, &caps);
}

static void region_io_fds(const struct payload *p)
{
	struct vfio_user_region_io_fds req;

	vuser_decode_region_io_fds(p->buf, p->len, &req);
}

static void region_io_fds_reply(const struct payload *p)
{
	static struct vfio_user_io_fd io_fds[VUSER_MAX_IOEVENTFDS];
	uint32_t index = fuzz_u8(p->params), nr_fds = fuzz_u8(p->params);
	uint64_t size = fuzz_u64(p->params);
	int i, nr;

	nr = vuser_decode_region_io_fds_reply(p->buf, p->len, index, size,
					      nr_fds, io_fds,
					      VUSER_MAX_IOEVENTFDS);
	for (i = 0; i < nr; i++) {
		FUZZ_CHECK(io_fds[i].fd_index < nr_fds);
		FUZZ_CHECK(io_fds[i].offset < size);
		FUZZ_CHECK(io_fds[i].size <= size - io_fds[i].offset);
	}
}

static void irq_info(const struct payload *p)
{
	struct vfio_user_irq_info info;

	vuser_decode_irq_info(p->buf, p->len, &info);
	if (!vuser_decode_irq_info_reply(p->buf, p->len, fuzz_u8(p->params),
					 &info))
		FUZZ_CHECK(info.count <= VUSER_MAX_IRQS);
}

static void irq_set(const struct payload *p)
{
	uint32_t nr_fds = fuzz_u8(p->params);
	struct vfio_user_irq_set set;
	const uint8_t *bools;
	uint8_t buf[8192];
	ssize_t len;

	if (vuser_decode_irq_set(p->buf, p->len, nr_fds, &set, &bools))
		return;
	FUZZ_CHECK(set.count <= VUSER_MAX_IRQS && set.start <= VUSER_MAX_IRQS);
	FUZZ_CHECK(!nr_fds || nr_fds == set.count);
	if (bools)
		check_tail(p, bools, set.count);
	len = vuser_encode_irq_set(buf, sizeof(buf), set.flags, set.index,
				   set.start, set.count, bools);
	FUZZ_CHECK(len == (ssize_t)p->len);
	/* argsz may differ */
	FUZZ_CHECK(!memcmp(buf + 4, p->buf + 4, len - 4));
}

static void region_access(const struct payload *p)
{
	uint32_t max = fuzz_u32(p->params);
	struct vfio_user_region_access access;
	const void *data;
	char buf[sizeof(access)];

	if (!vuser_decode_region_access(p->buf, p->len, max, &access)) {
		FUZZ_CHECK(access.count <= max);
		check_range(access.offset, access.count);
		check_echo(p, buf,
			   vuser_encode_region_access(
				   buf, sizeof(buf), access.region,
				   access.offset, access.count));
	}
	if (!vuser_decode_region_access_data(p->buf, p->len, max, &access,
					     &data)) {
		FUZZ_CHECK(access.count <= max);
		check_tail(p, data, access.count);
	}
}

static void region_access_reply(const struct payload *p)
{
	uint32_t region = fuzz_u8(p->params), count = fuzz_u8(p->params);
	uint64_t offset = fuzz_u64(p->params);
	const void *data;

	if (!vuser_decode_region_read_reply(p->buf, p->len, region, offset,
					    count, &data))
		check_tail(p, data, count);
	vuser_decode_region_write_reply(p->buf, p->len, region, offset, count);
}

static void dma_access(const struct payload *p)
{
	uint32_t max = fuzz_u32(p->params);
	struct vfio_user_dma_access access;
	const void *data;
	char buf[sizeof(access)];

	if (!vuser_decode_dma_access(p->buf, p->len, max, &access)) {
		FUZZ_CHECK(access.count <= max);
		check_range(access.address, access.count);
		check_echo(p, buf,
			   vuser_encode_dma_access(buf, sizeof(buf),
						   access.address,
						   access.count));
	}
	if (!vuser_decode_dma_access_data(p->buf, p->len, max, &access, &data))
		check_tail(p, data, access.count);
}

static void dma_access_reply(const struct payload *p)
{
	uint64_t address = fuzz_u64(p->params), count = fuzz_u8(p->params);
	const void *data;

	if (!vuser_decode_dma_read_reply(p->buf, p->len, address, count, &data))
		check_tail(p, data, count);
	vuser_decode_dma_write_reply(p->buf, p->len, address, count);
}

static void empty(const struct payload *p)
{
	FUZZ_CHECK(!vuser_decode_empty(p->buf, p->len) == !p->len);
}

static void write_multi(const struct payload *p)
{
	const struct vfio_user_single_write *wrs;
	ssize_t i, nr = vuser_decode_write_multi(p->buf, p->len, &wrs);
	uint8_t *buf;

	if (nr < 0)
		return;
	check_tail(p, wrs, nr * sizeof(*wrs));
	for (i = 0; i < nr; i++) {
		FUZZ_CHECK(wrs[i].count <= VFIO_USER_WRITE_MULTI_DATA_MAX);
		check_range(wrs[i].offset, wrs[i].count);
	}
	buf = malloc(p->len);
	FUZZ_CHECK(buf);
	check_echo(p, buf, vuser_encode_write_multi(buf, p->len, wrs, nr));
	free(buf);
}

static void write_multi_reply(const struct payload *p)
{
	uint64_t max = fuzz_u8(p->params), count;

	if (!vuser_decode_write_multi_reply(p->buf, p->len, max, &count))
		FUZZ_CHECK(count <= max);
}

static void feature(const struct payload *p)
{
	struct vfio_user_device_feature req;
	const void *data;
	size_t len;

	if (!vuser_decode_feature(p->buf, p->len, &req, &data, &len))
		check_tail(p, data, len);
	if (!vuser_decode_feature_reply(p->buf, p->len, fuzz_u32(p->params),
					&data, &len))
		check_tail(p, data, len);
}

static void mig_data(const struct payload *p)
{
	uint32_t count, max = fuzz_u32(p->params);
	const void *data;

	if (!vuser_decode_mig_read(p->buf, p->len, max, &count))
		FUZZ_CHECK(count <= max);
	if (!vuser_decode_mig_data(p->buf, p->len, max, &count, &data)) {
		FUZZ_CHECK(count <= max);
		check_tail(p, data, count);
	}
}

/* The corpus depends on this order: add new decoders at the end. */
static const struct {
	void (*decode)(const struct payload *p);
	size_t params;
} decoders[] = {
	{ header, 0 },
	{ dma_map, 0 },
	{ dma_unmap, 0 },
	{ dma_unmap_reply, 16 },
	{ device_info, 0 },
	{ region_info, 0 },
	{ region_info_reply, 1 },
	{ region_io_fds, 0 },
	{ region_io_fds_reply, 10 },
	{ irq_info, 1 },
	{ irq_set, 1 },
	{ region_access, 4 },
	{ region_access_reply, 10 },
	{ dma_access, 4 },
	{ dma_access_reply, 9 },
	{ empty, 0 },
	{ write_multi, 0 },
	{ write_multi_reply, 1 },
	{ feature, 4 },
	{ mig_data, 4 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size }, params;
	uint8_t which = fuzz_u8(&in) % (sizeof(decoders) / sizeof(decoders[0]));
	size_t nr_params = decoders[which].params;
	struct payload p = { .params = &params };
	uint8_t *copy;

	params.pos = fuzz_bytes(&in, &nr_params);
	params.left = nr_params;
	copy = fuzz_copy(in.pos, in.left);
	p.buf = copy;
	p.len = in.left;
	decoders[which].decode(&p);
	free(copy);
	return 0;
}
