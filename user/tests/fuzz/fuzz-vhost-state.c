// SPDX-License-Identifier: GPL-2.0
/*
 * The stream that vuser-vhost reads when a device migrates to it, in parts of
 * any size, with any state.  An accepted state must be encoded to the same
 * bytes.
 */
#include <errno.h>
#include <string.h>
#include <vuser/pci.h>

#include "../../devices/vhost/state.h"
#include "../../devices/vhost/stream.h"
#include "fuzz.h"

#define QUEUES	2
#define VECTORS 3

static struct vhost_state_queue queues[QUEUES];
static const char *rule;
static bool device_seen, ended;

/* Return a device that many states fit. */
static struct vhost_state shape(void)
{
	return (struct vhost_state) {
		.id = 1,
		.config_size = 12,
		.virtio = {
			.nr_queues = QUEUES,
			.nr_vectors = VECTORS,
			.max_size = 256,
			.offered = UINT64_MAX,
		},
		.net.max_pairs = 1,
		.queues = queues,
	};
}

static int on_device(void *ctx, const void *buf, size_t len)
{
	struct vhost_state s = shape();
	uint8_t *copy = fuzz_copy(buf, len), *again;
	int ret;

	(void)ctx;
	FUZZ_CHECK(!device_seen && len == vhost_state_size(&s));
	device_seen = true;
	rule = NULL;
	ret = vhost_state_decode(&s, copy, len, &rule);
	FUZZ_CHECK(ret ? ret == -EINVAL && rule : !rule);
	if (!ret) {
		FUZZ_CHECK(s.net.pairs == 1);
		again = fuzz_copy(copy, len);
		memset(again, 0xff, len);
		vhost_state_encode(&s, again);
		FUZZ_CHECK(!memcmp(again, copy, len));
		free(again);
	}
	free(copy);
	return ret;
}

static int on_backend(void *ctx, const void *buf, size_t len)
{
	(void)ctx;
	FUZZ_CHECK(device_seen && !ended && len);
	free(fuzz_copy(buf, len));
	/* The back end refuses some data. */
	return *(const uint8_t *)buf == 0xff ? -EREMOTEIO : 0;
}

static int on_end(void *ctx)
{
	(void)ctx;
	FUZZ_CHECK(device_seen && !ended);
	ended = true;
	return 0;
}

static const struct vhost_stream_ops ops = { on_device, on_backend, on_end };

/* Make a stream of the input, with configuration space at its place. */
static uint8_t *make_stream(struct fuzz_in *in, size_t *len)
{
	const struct vhost_state s = shape();
	size_t before =
		VHOST_STREAM_HEAD + vhost_state_size(&s) - VUSER_PCIE_CFG_SIZE;
	const uint8_t *head = fuzz_bytes(in, &before);
	size_t after = in->left;
	uint8_t *stream = malloc(before + VUSER_PCIE_CFG_SIZE + after + 1);

	FUZZ_CHECK(stream);
	if (before)
		memcpy(stream, head, before);
	*len = before;
	if (!after)
		return stream;
	memset(stream + before, 0, VUSER_PCIE_CFG_SIZE);
	memcpy(stream + before + VUSER_PCIE_CFG_SIZE, in->pos, after);
	*len += VUSER_PCIE_CFG_SIZE + after;
	return stream;
}

/* The first byte is the size of the parts; 0 means the whole stream at once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	const struct vhost_state s = shape();
	uint8_t cut = fuzz_u8(&in), *stream, *copy;
	size_t len, part, pos;
	struct vhost_stream st;
	int ret = 0, before;

	stream = make_stream(&in, &len);
	device_seen = ended = false;
	FUZZ_CHECK(!vhost_stream_init(&st, &ops, NULL, vhost_state_size(&s)));
	for (pos = 0; pos < len; pos += part) {
		part = cut && cut < len - pos ? cut : len - pos;
		copy = fuzz_copy(stream + pos, part);
		before = ret;
		ret = vhost_stream_take(&st, copy, part);
		FUZZ_CHECK(!before || ret == before);
		FUZZ_CHECK(!ret || ret == -EINVAL || ret == -EREMOTEIO);
		FUZZ_CHECK(ret != -EINVAL || st.rule || rule);
		free(copy);
	}
	FUZZ_CHECK(st.ended == ended);
	vhost_stream_fini(&st);
	free(stream);
	return 0;
}
