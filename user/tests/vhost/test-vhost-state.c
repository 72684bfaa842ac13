// SPDX-License-Identifier: GPL-2.0
/* A device's state as bytes, and the stream that contains it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <vuser/pci.h>

#include "../../devices/vhost/state.h"
#include "../../devices/vhost/stream.h"
#include "../harness.h"

#define QUEUES	 3
#define VECTORS	 4
#define FEATURES (VIRTIO_BIT(VIRTIO_F_VERSION_1) | VIRTIO_BIT(5))
#define PACKED	 VIRTIO_BIT(VIRTIO_F_RING_PACKED)

static struct vhost_state_queue queues[QUEUES], other_queues[QUEUES];
static uint8_t msix[VECTORS * PCI_MSIX_ENTRY_SIZE], pci[VUSER_PCIE_CFG_SIZE];
static uint8_t bytes[16384];
static struct vhost_state state;

/* Return the properties that both devices have in common. */
static struct vhost_state shape(struct vhost_state_queue *q)
{
	return (struct vhost_state) {
		.id = 1,
		.config_size = 12,
		.virtio = {
			.nr_queues = QUEUES,
			.nr_vectors = VECTORS,
			.max_size = 256,
			.offered = FEATURES | PACKED,
		},
		.net.max_pairs = 1,
		.queues = q,
		.msix = msix,
		.pci = pci,
	};
}

/* Set up the state of a running device. */
static void setup(void)
{
	size_t i;

	state = shape(queues);
	state.backend = true;
	state.virtio.status = 0xf;
	state.virtio.accepted = FEATURES;
	state.virtio.generation = 7;
	state.virtio.config_vector = 3;
	state.virtio.offered_select = 0x11111111;
	state.virtio.accepted_select = 0x22222222;
	state.virtio.queue_select = 0x3333;
	state.isr = VIRTIO_ISR_CONFIG;
	state.config_pending = true;
	state.inflight.mmap_size = 8192;
	state.inflight.num_queues = QUEUES;
	state.inflight.queue_size = 256;
	state.net.pairs = 1;
	state.net.announce = true;
	state.net.allmulti = true;
	memcpy(state.net.mac, "abcdef", ETH_ALEN);
	memcpy(state.net.first_mac, "ABCDEF", ETH_ALEN);
	memset(state.config, 'c', sizeof(state.config));
	for (i = 0; i < sizeof(msix); i++)
		msix[i] = i * 7;
	for (i = 0; i < sizeof(pci); i++)
		pci[i] = i * 11;
	for (i = 0; i < QUEUES; i++) {
		queues[i] = (struct vhost_state_queue) {
			.regs = {
				.size = 16 << i,
				.vector = i,
				.enabled = i < 2,
				.desc = 0x1000 * i,
				.driver = 0x2000 * i,
				.device = UINT64_MAX - i,
			},
			.kept = i == 1,
			.base = i == 1 ? 0xfffe : 0,
		};
	}
}

static size_t encode(void)
{
	size_t len = vhost_state_size(&state);

	require(len <= sizeof(bytes));
	vhost_state_encode(&state, bytes);
	return len;
}

static const char *decode(size_t len, struct vhost_state *out)
{
	/*
	 * Copy to memory of exactly this size, so that ASan sees a read beyond
	 * it.
	 */
	uint8_t *copy = malloc(len ?: 1);
	const char *rule = "unset";
	int ret;

	require(copy);
	memcpy(copy, bytes, len);
	*out = shape(other_queues);
	ret = vhost_state_decode(out, copy, len, &rule);
	check_eq(ret, rule ? -EINVAL : 0);
	if (!ret) {
		check(!memcmp(out->msix, msix, sizeof(msix)));
		check(!memcmp(out->pci, pci, sizeof(pci)));
		/* An accepted state is encoded to the same bytes. */
		vhost_state_encode(out, bytes);
		check(!memcmp(copy, bytes, len));
	}
	free(copy);
	return rule;
}

static bool refused_for(const char *words)
{
	struct vhost_state out;
	const char *rule = decode(encode(), &out);

	setup();
	return rule && strstr(rule, words);
}

TEST(state_is_decoded_as_encoded)
{
	struct vhost_state out;
	size_t i;

	setup();
	check(!decode(encode(), &out));
	check(out.backend);
	check_eq(out.virtio.status, 0xf);
	check_eq(out.virtio.accepted, FEATURES);
	check_eq(out.virtio.generation, 7);
	check_eq(out.virtio.config_vector, 3);
	check_eq(out.virtio.offered_select, 0x11111111);
	check_eq(out.virtio.accepted_select, 0x22222222);
	check_eq(out.virtio.queue_select, 0x3333);
	check_eq(out.isr, VIRTIO_ISR_CONFIG);
	check(out.config_pending);
	check_eq(out.net.pairs, 1);
	check_eq(out.inflight.mmap_size, 8192);
	check_eq(out.inflight.mmap_offset, 0);
	check_eq(out.inflight.num_queues, QUEUES);
	check_eq(out.inflight.queue_size, 256);
	check(out.net.announce && out.net.allmulti && !out.net.promisc);
	check(!memcmp(out.net.mac, "abcdef", ETH_ALEN));
	check(!memcmp(out.net.first_mac, "ABCDEF", ETH_ALEN));
	check(!memcmp(out.config, state.config, sizeof(out.config)));
	for (i = 0; i < QUEUES; i++) {
		check_eq(other_queues[i].regs.size, 16 << i);
		check_eq(other_queues[i].regs.vector, i);
		check_eq(other_queues[i].regs.enabled, i < 2);
		check_eq(other_queues[i].regs.desc, 0x1000 * i);
		check_eq(other_queues[i].regs.driver, 0x2000 * i);
		check_eq(other_queues[i].regs.device, UINT64_MAX - i);
		check_eq(other_queues[i].kept, i == 1);
		check_eq(other_queues[i].base, i == 1 ? 0xfffe : 0);
	}
}

TEST(state_of_another_device_is_refused)
{
	struct vhost_state out;
	size_t len, i;

	setup();
	state.id = 2;
	check(refused_for("type"));
	state.config_size = 8;
	check(refused_for("size of the configuration"));
	state.virtio.max_size = 128;
	check(refused_for("size of queues"));
	state.net.max_pairs = 2;
	check(refused_for("number of queue pairs"));
	state.virtio.nr_queues = 2;
	check(refused_for("length"));
	/* The same length with another number of queues. */
	len = encode();
	bytes[2]++;
	check(strstr(decode(len, &out) ?: "", "number of queues"));
	for (i = 0; i < len; i++)
		check(decode(i, &out));
}

TEST(invalid_registers_are_refused)
{
	setup();
	state.virtio.accepted |= VIRTIO_BIT(6);
	check(refused_for("not offered"));
	state.virtio.accepted = VIRTIO_BIT(5);
	check(refused_for("before 1.0"));
	state.virtio.status = 7;
	check(refused_for("without negotiated features"));
	state.virtio.config_vector = VECTORS;
	check(refused_for("vector"));
	state.net.pairs = 2;
	check(refused_for("pairs"));
	state.net.pairs = 0;
	check(refused_for("pairs"));
	/* Values that a driver may write before FEATURES_OK. */
	state.virtio.status = 3;
	state.virtio.accepted = UINT64_MAX;
	queues[1].kept = false;
	check(!refused_for(""));
}

/* 32 bytes for each entry, 4 KiB for each ring, and 2 MiB. */
#define INFLIGHT_MAX (QUEUES * (256 * 32 + 4096) + (2 << 20))

TEST(invalid_memory_for_requests_in_flight_is_refused)
{
	struct vhost_state out;
	size_t len;

	setup();
	state.inflight.mmap_size = INFLIGHT_MAX;
	check(!refused_for(""));
	state.inflight.mmap_size = INFLIGHT_MAX + 1;
	check(refused_for("invalid size"));
	state.inflight.mmap_size = UINT64_MAX;
	check(refused_for("invalid size"));
	state.inflight.num_queues = 0;
	check(refused_for("invalid size"));
	state.inflight.queue_size = 0;
	check(refused_for("invalid size"));
	/* A description without the flag. */
	state.inflight.mmap_size = 0;
	check(refused_for("does not have"));
	/* The flag without a size: the flags are at 12, the size at 56. */
	len = encode();
	memset(bytes + 56, 0, 8);
	check(strstr(decode(len, &out) ?: "", "invalid size"));
	state.inflight = (struct vhost_user_inflight) { 0 };
	check(!refused_for(""));
}

TEST(invalid_queues_are_refused)
{
	setup();
	queues[2].regs.size = 0;
	check(refused_for("size"));
	queues[2].regs.size = 257;
	check(refused_for("size"));
	queues[0].regs.vector = VECTORS;
	check(refused_for("vector"));
	queues[1].base = 0x10000;
	check(refused_for("outside of its ring"));
	queues[2].kept = true;
	check(refused_for("not in use"));
	state.virtio.status = 0xb;
	check(refused_for("not in use"));
	/* In a packed ring both indexes are entries. */
	state.virtio.accepted |= PACKED;
	queues[1].base = 0x801f801f;
	check(!refused_for(""));
	state.virtio.accepted |= PACKED;
	queues[1].base = 0x80208000;
	check(refused_for("outside of its ring"));
	state.virtio.accepted |= PACKED;
	queues[1].base = 0x80008020;
	check(refused_for("outside of its ring"));
}

/* Each changed bit makes the state invalid or another valid one. */
TEST(state_with_any_bit_flipped_is_refused_or_encoded_the_same)
{
	struct vhost_state out;
	size_t len, i;
	int bit;

	setup();
	len = encode();
	for (i = 0; i < 328 + QUEUES * 40; i++) {
		for (bit = 0; bit < 8; bit++) {
			encode();
			bytes[i] ^= 1 << bit;
			decode(len, &out);
		}
	}
}

/* Data that the stream delivered. */
static struct {
	unsigned int devices;
	size_t backend;
	unsigned int ends;
	int fail;
} seen;

static int on_device(void *ctx, const void *buf, size_t len)
{
	(void)ctx;
	check_eq(len, 5);
	check(!memcmp(buf, "state", 5));
	seen.devices++;
	return seen.fail == 1 ? -EREMOTEIO : 0;
}

static int on_backend(void *ctx, const void *buf, size_t len)
{
	(void)ctx;
	check(len && !memcmp(buf, "0123456789" + seen.backend % 10, len));
	check_eq(seen.devices, 1);
	seen.backend += len;
	return seen.fail == 2 ? -EREMOTEIO : 0;
}

static int on_end(void *ctx)
{
	(void)ctx;
	seen.ends++;
	return seen.fail == 3 ? -EREMOTEIO : 0;
}

static const struct vhost_stream_ops ops = { on_device, on_backend, on_end };

#define WHOLE (VHOST_STREAM_HEAD + 5 + 3 * VHOST_STREAM_PIECE + 13)

/* Write a state of 5 bytes, pieces of 10 and 3 bytes, and the end marker. */
static void make_stream(uint8_t *buf)
{
	vhost_stream_head(buf, 5);
	memcpy(buf + 16, "state", 5);
	vhost_stream_piece(buf + 21, 10);
	memcpy(buf + 25, "0123456789", 10);
	vhost_stream_piece(buf + 35, 3);
	memcpy(buf + 39, "012", 3);
	vhost_stream_piece(buf + 42, 0);
}

/*
 * Pass the stream in parts of @part bytes; return the result of the last call.
 */
static int feed(struct vhost_stream *st, const uint8_t *buf, size_t len,
		size_t part)
{
	size_t pos, n;
	int ret = 0;

	memset(&seen, 0, offsetof(typeof(seen), fail));
	check_eq(vhost_stream_init(st, &ops, NULL, 5), 0);
	for (pos = 0; pos < len; pos += n) {
		n = len - pos < part ? len - pos : part;
		ret = vhost_stream_take(st, buf + pos, n);
	}
	return ret;
}

TEST(stream_is_parsed_in_parts_of_any_size)
{
	struct vhost_stream st;
	uint8_t buf[WHOLE];
	size_t part;

	make_stream(buf);
	for (part = 1; part <= WHOLE; part++) {
		check_eq(feed(&st, buf, WHOLE, part), 0);
		check(st.ended);
		check_eq(seen.devices, 1);
		check_eq(seen.backend, 13);
		check_eq(seen.ends, 1);
		vhost_stream_fini(&st);
	}
	/* A truncated stream has not ended. */
	for (part = 0; part < WHOLE; part++) {
		check_eq(feed(&st, buf, part, WHOLE), 0);
		check(!st.ended);
		check_eq(seen.ends, 0);
		vhost_stream_fini(&st);
	}
}

static bool refused_as(uint8_t *buf, size_t at, const char *words)
{
	struct vhost_stream st;
	bool ok;

	buf[at]++;
	ok = feed(&st, buf, WHOLE, 1) == -EINVAL && st.rule &&
	     strstr(st.rule, words) && !seen.devices && !st.ended;
	buf[at]--;
	vhost_stream_fini(&st);
	return ok;
}

TEST(invalid_stream_is_refused)
{
	uint8_t buf[WHOLE + 1] = { 0 };
	struct vhost_stream st;

	make_stream(buf);
	check(refused_as(buf, 0, "not a stream of vuser-vhost"));
	check(refused_as(buf, 7, "not a stream of vuser-vhost"));
	check(refused_as(buf, 8, "version"));
	check(refused_as(buf, 12, "size"));
	check(refused_as(buf, 15, "size"));
	check_eq(feed(&st, buf, WHOLE + 1, WHOLE), -EINVAL);
	check(st.error && strstr(st.rule, "after its end"));
	/* The error is permanent. */
	check_eq(vhost_stream_take(&st, buf, 0), -EINVAL);
	vhost_stream_fini(&st);
}

TEST(error_of_a_callback_is_returned)
{
	static const size_t come[] = { 0, 0, 1, 13 };
	struct vhost_stream st;
	uint8_t buf[WHOLE];

	make_stream(buf);
	for (seen.fail = 1; seen.fail <= 3; seen.fail++) {
		check_eq(feed(&st, buf, WHOLE, 1), -EREMOTEIO);
		check_eq(seen.devices, 1);
		check_eq(seen.backend, come[seen.fail]);
		check_eq(seen.ends, seen.fail == 3);
		check(!st.rule);
		vhost_stream_fini(&st);
	}
	seen.fail = 0;
}
