// SPDX-License-Identifier: GPL-2.0
/* Each rule for the messages that crosvm adds to the protocol, broken once. */
#include "message.h"
#include "../harness.h"

static const struct message_change broken[] = {
	{ BREQ, C(FS_MAP), AT(crosvm_fs.len[7], 0), "all parts are empty" },
	{ BREQ, C(FS_SYNC), AT(crosvm_fs.flags[0], 4),
	  "reserved flags of a part are set" },
	{ BREQ, C(FS_IO), AT(crosvm_fs.fd_offset[7], UINT64_MAX),
	  "a part wraps in its file" },
	{ BREQ, C(FS_UNMAP), AT(crosvm_fs.shm_offset[7], UINT64_MAX),
	  "a part wraps in the shared memory" },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.padding[6], 1),
	  "the padding is not 0" },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.len, 0), "the mapping is empty" },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.shm_offset, UINT64_MAX),
	  "the mapping wraps in the shared memory" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.padding[0], 1),
	  "the padding is not 0" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.len, 0),
	  "the mapping is empty" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.shm_offset, UINT64_MAX),
	  "the mapping wraps in the shared memory" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.pointer, 0),
	  "the pointer is 0" },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.pointer, UINT64_MAX),
	  "the mapping wraps in memory" },
};

TEST(each_broken_rule_of_crosvm_is_rejected_with_its_text)
{
	message_check_broken(broken, sizeof(broken) / sizeof(broken[0]));
}

/* The extreme values that are valid. */
static const struct message_change fine[] = {
	{ BREQ, C(FS_MAP), AT(crosvm_fs.flags[0], 3), NULL },
	/* All of the shared memory. */
	{ BREQ, C(FS_UNMAP), AT(crosvm_fs.len[7], UINT64_MAX), NULL },
	{ BREQ, C(GPU_MAP), AT(crosvm_gpu.memory_idx, UINT32_MAX), NULL },
	{ BREQ, C(EXTERNAL_MAP), AT(crosvm_external.shmid, 255), NULL },
};

TEST(extreme_valid_values_of_crosvm_are_accepted)
{
	message_check_fine(fine, sizeof(fine) / sizeof(fine[0]));
}
