// SPDX-License-Identifier: BSD-3-Clause
/* A table of all messages of vhost-user. */
#include "table.h"

#define F(name) VHOST_USER_PROTOCOL(name)

/* An answer that is a number without further rules. */
#define ANSWER_U64 { VHOST_U64, 0, 0, NULL }

/* clang-format off */
static const struct vhu_form requests[] = {
[VHOST_USER_GET_FEATURES] = {
	"GET_FEATURES", 0, { VHOST_NONE }, ANSWER_U64 },
[VHOST_USER_SET_FEATURES] = {
	"SET_FEATURES", 0, { VHOST_U64 }, { 0 } },
[VHOST_USER_SET_OWNER] = {
	"SET_OWNER", 0, { VHOST_NONE }, { 0 } },
[VHOST_USER_RESET_OWNER] = {
	"RESET_OWNER", 0, { VHOST_NONE }, { 0 } },
[VHOST_USER_SET_MEM_TABLE] = {
	"SET_MEM_TABLE", 0,
	{ VHOST_MEMORY, 0, VHOST_USER_MAX_REGIONS, vhu_check_memory },
	{ 0 } },
[VHOST_USER_SET_LOG_BASE] = {
	"SET_LOG_BASE", F(LOG_SHMFD),
	{ VHOST_LOG, 1, 1, vhu_check_log },
	{ VHOST_LOG_ANSWER } },
[VHOST_USER_SET_LOG_FD] = {
	"SET_LOG_FD", 0, { VHOST_NONE, 1, 1, NULL }, { 0 } },
[VHOST_USER_SET_VRING_NUM] = {
	"SET_VRING_NUM", 0,
	{ VHOST_STATE, 0, 0, vhu_check_vring_num }, { 0 } },
[VHOST_USER_SET_VRING_ADDR] = {
	"SET_VRING_ADDR", 0,
	{ VHOST_ADDR, 0, 0, vhu_check_vring_addr }, { 0 } },
[VHOST_USER_SET_VRING_BASE] = {
	"SET_VRING_BASE", 0,
	{ VHOST_STATE, 0, 0, vhu_check_vring_index }, { 0 } },
[VHOST_USER_GET_VRING_BASE] = {
	"GET_VRING_BASE", 0,
	{ VHOST_STATE, 0, 0, vhu_check_vring_index },
	{ VHOST_STATE, 0, 0, vhu_check_vring_same } },
[VHOST_USER_SET_VRING_KICK] = {
	"SET_VRING_KICK", 0,
	{ VHOST_U64, 0, 1, vhu_check_vring_fd }, { 0 } },
[VHOST_USER_SET_VRING_CALL] = {
	"SET_VRING_CALL", 0,
	{ VHOST_U64, 0, 1, vhu_check_vring_fd }, { 0 } },
[VHOST_USER_SET_VRING_ERR] = {
	"SET_VRING_ERR", 0,
	{ VHOST_U64, 0, 1, vhu_check_vring_fd }, { 0 } },
[VHOST_USER_GET_PROTOCOL_FEATURES] = {
	"GET_PROTOCOL_FEATURES", 0, { VHOST_NONE }, ANSWER_U64 },
[VHOST_USER_SET_PROTOCOL_FEATURES] = {
	"SET_PROTOCOL_FEATURES", 0, { VHOST_U64 }, { 0 } },
[VHOST_USER_GET_QUEUE_NUM] = {
	"GET_QUEUE_NUM", F(MQ), { VHOST_NONE }, ANSWER_U64 },
[VHOST_USER_SET_VRING_ENABLE] = {
	"SET_VRING_ENABLE", 0,
	{ VHOST_STATE, 0, 0, vhu_check_vring_bool }, { 0 } },
[VHOST_USER_SEND_RARP] = {
	"SEND_RARP", F(RARP),
	{ VHOST_U64, 0, 0, vhu_check_mac }, { 0 } },
[VHOST_USER_NET_SET_MTU] = {
	"NET_SET_MTU", F(MTU),
	{ VHOST_U64, 0, 0, vhu_check_mtu }, { 0 } },
[VHOST_USER_SET_BACKEND_REQ_FD] = {
	"SET_BACKEND_REQ_FD", F(BACKEND_REQ),
	{ VHOST_NONE, 1, 1, NULL }, { 0 } },
[VHOST_USER_IOTLB_MSG] = {
	"IOTLB_MSG", F(REPLY_ACK),
	{ VHOST_IOTLB, 0, 0, vhu_check_iotlb_update }, { 0 } },
[VHOST_USER_SET_VRING_ENDIAN] = {
	"SET_VRING_ENDIAN", F(CROSS_ENDIAN),
	{ VHOST_STATE, 0, 0, vhu_check_vring_bool }, { 0 } },
[VHOST_USER_GET_CONFIG] = {
	"GET_CONFIG", F(CONFIG),
	{ VHOST_CONFIG, 0, 0, vhu_check_config },
	{ VHOST_CONFIG_OR_NONE, 0, 0, vhu_check_config_answer } },
[VHOST_USER_SET_CONFIG] = {
	"SET_CONFIG", F(CONFIG),
	{ VHOST_CONFIG, 0, 0, vhu_check_config }, { 0 } },
[VHOST_USER_CREATE_CRYPTO_SESSION] = {
	"CREATE_CRYPTO_SESSION", F(CRYPTO_SESSION),
	{ VHOST_CRYPTO, 0, 0, vhu_check_crypto },
	{ VHOST_CRYPTO, 0, 0, vhu_check_crypto_answer } },
[VHOST_USER_CLOSE_CRYPTO_SESSION] = {
	"CLOSE_CRYPTO_SESSION", F(CRYPTO_SESSION), { VHOST_U64 }, { 0 } },
[VHOST_USER_POSTCOPY_ADVISE] = {
	"POSTCOPY_ADVISE", F(PAGEFAULT),
	{ VHOST_NONE }, { VHOST_NONE, 1, 1, NULL } },
/* QEMU's back ends always answer this request, DPDK's only with NEED_REPLY. */
[VHOST_USER_POSTCOPY_LISTEN] = {
	"POSTCOPY_LISTEN", F(PAGEFAULT) | F(REPLY_ACK),
	{ VHOST_NONE }, { 0 } },
[VHOST_USER_POSTCOPY_END] = {
	"POSTCOPY_END", F(PAGEFAULT), { VHOST_NONE }, ANSWER_U64 },
[VHOST_USER_GET_INFLIGHT_FD] = {
	"GET_INFLIGHT_FD", F(INFLIGHT_SHMFD),
	{ VHOST_INFLIGHT, 0, 0, vhu_check_inflight_request },
	{ VHOST_INFLIGHT, 0, 1, vhu_check_inflight_answer } },
[VHOST_USER_SET_INFLIGHT_FD] = {
	"SET_INFLIGHT_FD", F(INFLIGHT_SHMFD),
	{ VHOST_INFLIGHT, 1, 1, vhu_check_inflight }, { 0 } },
[VHOST_USER_GPU_SET_SOCKET] = {
	"GPU_SET_SOCKET", 0, { VHOST_NONE, 1, 1, NULL }, { 0 } },
[VHOST_USER_RESET_DEVICE] = {
	"RESET_DEVICE", F(RESET_DEVICE), { VHOST_NONE }, { 0 } },
[VHOST_USER_VRING_KICK] = {
	"VRING_KICK", F(INBAND_NOTIFICATIONS),
	{ VHOST_STATE, 0, 0, vhu_check_vring_zero }, { 0 } },
[VHOST_USER_GET_MAX_MEM_SLOTS] = {
	"GET_MAX_MEM_SLOTS", F(CONFIGURE_MEM_SLOTS),
	{ VHOST_NONE }, { VHOST_U64, 0, 0, vhu_check_slots } },
[VHOST_USER_ADD_MEM_REG] = {
	"ADD_MEM_REG", F(CONFIGURE_MEM_SLOTS),
	{ VHOST_MEM_REG, 1, 1, vhu_check_mem_reg }, { 0 } },
/* Old front ends send a file descriptor here; the back end closes it. */
[VHOST_USER_REM_MEM_REG] = {
	"REM_MEM_REG", F(CONFIGURE_MEM_SLOTS),
	{ VHOST_MEM_REG, 0, 1, vhu_check_mem_reg }, { 0 } },
[VHOST_USER_SET_STATUS] = {
	"SET_STATUS", F(STATUS),
	{ VHOST_U64, 0, 0, vhu_check_status }, { 0 } },
[VHOST_USER_GET_STATUS] = {
	"GET_STATUS", F(STATUS),
	{ VHOST_NONE }, { VHOST_U64, 0, 0, vhu_check_status } },
[VHOST_USER_GET_SHARED_OBJECT] = {
	"GET_SHARED_OBJECT", F(SHARED_OBJECT),
	{ VHOST_SHARED },
	{ VHOST_SHARED_OR_NONE, 0, 1, vhu_check_shared_answer } },
[VHOST_USER_SET_DEVICE_STATE_FD] = {
	"SET_DEVICE_STATE_FD", F(DEVICE_STATE),
	{ VHOST_DEVICE_STATE, 1, 1, vhu_check_device_state },
	{ VHOST_U64, 0, 1, vhu_check_device_state_answer } },
[VHOST_USER_CHECK_DEVICE_STATE] = {
	"CHECK_DEVICE_STATE", F(DEVICE_STATE), { VHOST_NONE }, ANSWER_U64 },
[VHOST_USER_GET_SHMEM_CONFIG] = {
	"GET_SHMEM_CONFIG", F(SHMEM),
	{ VHOST_NONE }, { VHOST_SHMEM, 0, 0, vhu_check_shmem } },
};

static const struct vhu_form backend_requests[] = {
[VHOST_USER_BACKEND_IOTLB_MSG] = {
	"IOTLB_MSG", 0,
	{ VHOST_IOTLB, 0, 0, vhu_check_iotlb_miss }, { 0 } },
[VHOST_USER_BACKEND_CONFIG_CHANGE_MSG] = {
	"CONFIG_CHANGE_MSG", F(CONFIG), { VHOST_NONE }, { 0 } },
[VHOST_USER_BACKEND_VRING_HOST_NOTIFIER_MSG] = {
	"VRING_HOST_NOTIFIER_MSG", F(HOST_NOTIFIER),
	{ VHOST_AREA, 0, 1, vhu_check_vring_area }, { 0 } },
[VHOST_USER_BACKEND_VRING_CALL] = {
	"VRING_CALL", F(INBAND_NOTIFICATIONS),
	{ VHOST_STATE, 0, 0, vhu_check_vring_zero }, { 0 } },
[VHOST_USER_BACKEND_VRING_ERR] = {
	"VRING_ERR", F(INBAND_NOTIFICATIONS),
	{ VHOST_STATE, 0, 0, vhu_check_vring_zero }, { 0 } },
[VHOST_USER_BACKEND_SHARED_OBJECT_ADD] = {
	"SHARED_OBJECT_ADD", F(SHARED_OBJECT), { VHOST_SHARED }, { 0 } },
[VHOST_USER_BACKEND_SHARED_OBJECT_REMOVE] = {
	"SHARED_OBJECT_REMOVE", F(SHARED_OBJECT), { VHOST_SHARED }, { 0 } },
[VHOST_USER_BACKEND_SHARED_OBJECT_LOOKUP] = {
	"SHARED_OBJECT_LOOKUP", F(SHARED_OBJECT),
	{ VHOST_SHARED }, { VHOST_U64, 0, 1, vhu_check_lookup_answer } },
[VHOST_USER_BACKEND_SHMEM_MAP] = {
	"SHMEM_MAP", F(SHMEM),
	{ VHOST_MMAP, 1, 1, vhu_check_mmap }, { 0 } },
[VHOST_USER_BACKEND_SHMEM_UNMAP] = {
	"SHMEM_UNMAP", F(SHMEM),
	{ VHOST_MMAP, 0, 0, vhu_check_mmap }, { 0 } },
};

/* Requests of crosvm's back ends, from FS_MAP on. */
#define CROSVM(name) \
	[VHOST_USER_CROSVM_##name - VHOST_USER_CROSVM_FS_MAP]

static const struct vhu_form crosvm_requests[] = {
CROSVM(FS_MAP) = {
	"FS_MAP", 0, { VHOST_CROSVM_FS, 1, 1, vhu_check_crosvm_fs }, { 0 } },
CROSVM(FS_UNMAP) = {
	"FS_UNMAP", 0, { VHOST_CROSVM_FS, 0, 0, vhu_check_crosvm_fs }, { 0 } },
CROSVM(FS_SYNC) = {
	"FS_SYNC", 0, { VHOST_CROSVM_FS, 0, 0, vhu_check_crosvm_fs }, { 0 } },
CROSVM(FS_IO) = {
	"FS_IO", 0, { VHOST_CROSVM_FS, 1, 1, vhu_check_crosvm_fs }, { 0 } },
CROSVM(GPU_MAP) = {
	"GPU_MAP", F(SHMEM),
	{ VHOST_CROSVM_GPU, 1, 1, vhu_check_crosvm_gpu }, { 0 } },
CROSVM(EXTERNAL_MAP) = {
	"EXTERNAL_MAP", F(SHMEM),
	{ VHOST_CROSVM_EXTERNAL, 0, 0, vhu_check_crosvm_external }, { 0 } },
};

/* The answers to these requests after POSTCOPY_LISTEN. */
static const struct vhu_form postcopy[] = {
[VHOST_USER_SET_MEM_TABLE] = {
	"SET_MEM_TABLE", 0, { VHOST_MEMORY },
	{ VHOST_MEMORY, 0, 0, vhu_check_memory_bases } },
[VHOST_USER_ADD_MEM_REG] = {
	"ADD_MEM_REG", 0, { VHOST_MEM_REG },
	{ VHOST_MEM_REG, 0, 0, vhu_check_mem_reg_base } },
};
/* clang-format on */

#define ROW(table, i) \
	((i) < sizeof(table) / sizeof((table)[0]) ? &(table)[i] : NULL)

static const struct vhu_form *backend_form(uint32_t request)
{
	return request < VHOST_USER_CROSVM_FS_MAP ?
		       ROW(backend_requests, request) :
		       ROW(crosvm_requests, request - VHOST_USER_CROSVM_FS_MAP);
}

const struct vhu_form *vhu_table_form(enum vhost_user_kind kind,
				      uint32_t request)
{
	const struct vhu_form *form = NULL;

	switch (kind) {
	case VHOST_USER_REQUEST:
	case VHOST_USER_ANSWER:
		form = ROW(requests, request);
		break;
	case VHOST_USER_BACKEND_REQUEST:
	case VHOST_USER_BACKEND_ANSWER:
		form = backend_form(request);
		break;
	case VHOST_USER_POSTCOPY_ANSWER:
		form = ROW(postcopy, request);
		break;
	}
	return form && form->name ? form : NULL;
}
