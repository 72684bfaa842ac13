/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of all messages of vhost-user. */
#ifndef VHOST_USER_TABLE_H
#define VHOST_USER_TABLE_H

#include <vhost-user/proto.h>

#include "check.h"

/*
 * Types of payloads. VHOST_NONE and all after it have a fixed size, or a size that
 * follows from the contents. A payload of a type with _OR_NONE may be empty.
 */
enum vhu_payload {
	VHOST_ACK = 0, /* a number with NEED_REPLY, else no answer */
	VHOST_NONE,
	VHOST_U64,
	VHOST_STATE,
	VHOST_ADDR,
	VHOST_IOTLB,
	VHOST_MEMORY,
	VHOST_MEM_REG,
	VHOST_LOG,
	VHOST_CONFIG,
	VHOST_AREA,
	VHOST_INFLIGHT,
	VHOST_SHARED,
	VHOST_DEVICE_STATE,
	VHOST_MMAP,
	VHOST_SHMEM,
	VHOST_CRYPTO,
	VHOST_CROSVM_FS,
	VHOST_CROSVM_GPU,
	VHOST_CROSVM_EXTERNAL,
	VHOST_LOG_ANSWER, /* nothing, a number, or the log of the request */
	VHOST_CONFIG_OR_NONE,
	VHOST_SHARED_OR_NONE,
};

/**
 * struct vhu_side - the format of a request or of an answer
 * @payload: enum vhu_payload
 * @min_fds: least number of file descriptors
 * @max_fds: most file descriptors
 * @check: check of the contents, or NULL
 */
struct vhu_side {
	uint8_t payload;
	uint8_t min_fds;
	uint8_t max_fds;
	vhu_check *check;
};

/**
 * struct vhu_form - a request and its answer
 * @name: without VHOST_USER_ or VHOST_USER_BACKEND_
 * @needed: mask of the protocol features that must be negotiated
 * @request: the request
 * @answer: the answer; VHOST_ACK: an acknowledgement only
 */
struct vhu_form {
	const char *name;
	uint64_t needed;
	struct vhu_side request;
	struct vhu_side answer;
};

/* Find the format of a request. Return: NULL for a request that does not exist. */
const struct vhu_form *vhu_table_form(enum vhost_user_kind kind,
				      uint32_t request);

#endif /* VHOST_USER_TABLE_H */
