// SPDX-License-Identifier: GPL-2.0
/*
 * VERSION and its JSON.  An accepted version is encoded; the result must be
 * accepted as well and have the same meaning.
 */
#include <errno.h>
#include <string.h>

#include <vuser/proto.h>

#include "fuzz.h"

static void check_caps(const struct vuser_caps *caps)
{
	FUZZ_CHECK(caps->max_msg_fds <= VUSER_MAX_MSG_FDS);
	FUZZ_CHECK(caps->max_data_xfer_size);
	FUZZ_CHECK(caps->max_data_xfer_size <= VUSER_MAX_XFER_SIZE);
	FUZZ_CHECK(caps->max_dma_maps);
	FUZZ_CHECK(caps->pgsizes);
	FUZZ_CHECK(caps->twin_fd_index >= -1);
}

/* A value that the encoder omits is decoded as its default. */
static void check_same(const struct vuser_caps *a, const struct vuser_caps *b)
{
	FUZZ_CHECK(a->max_msg_fds == b->max_msg_fds);
	FUZZ_CHECK(a->max_data_xfer_size == b->max_data_xfer_size);
	FUZZ_CHECK(a->has_max_dma_maps == b->has_max_dma_maps);
	FUZZ_CHECK(!a->has_max_dma_maps || a->max_dma_maps == b->max_dma_maps);
	FUZZ_CHECK(a->pgsizes == b->pgsizes);
	FUZZ_CHECK(a->migration_pgsize == b->migration_pgsize);
	FUZZ_CHECK(a->write_multiple == b->write_multiple);
	FUZZ_CHECK(a->twin_supported == b->twin_supported);
	FUZZ_CHECK(!a->twin_supported || a->twin_fd_index == b->twin_fd_index);
}

static void check_again(const struct vuser_version *version)
{
	char buf[sizeof(struct vfio_user_version) + VFIO_USER_VERSION_DATA_MAX];
	struct vuser_version again = { .struct_size = sizeof(again) };
	ssize_t len = vuser_encode_version(buf, sizeof(buf), version);
	char *copy;

	FUZZ_CHECK(len > 0);
	copy = fuzz_copy(buf, len);
	FUZZ_CHECK(!vuser_decode_version(copy, len, &again));
	free(copy);
	FUZZ_CHECK(again.major == version->major);
	FUZZ_CHECK(again.minor == version->minor);
	check_same(&version->caps, &again.caps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vuser_version version = { .struct_size = sizeof(version) };
	void *copy = fuzz_copy(data, size);
	int ret = vuser_decode_version(copy, size, &version);

	free(copy);
	if (ret) {
		FUZZ_CHECK(ret == -EMSGSIZE || ret == -EINVAL ||
			   ret == -EPROTONOSUPPORT);
		return 0;
	}
	check_caps(&version.caps);
	check_again(&version);
	return 0;
}
