// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/virtio_crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "../harness.h"

const struct message_row message_rows[] = {
	{ REQ, F(GET_FEATURES), 0, 0 },
	{ ANS, F(GET_FEATURES), 8, 0 },
	{ REQ, F(SET_FEATURES), 8, 0 },
	{ REQ, F(SET_OWNER), 0, 0 },
	{ REQ, F(RESET_OWNER), 0, 0 },
	{ REQ, F(SET_MEM_TABLE), 8 + 2 * 32, 2 },
	{ POST, F(SET_MEM_TABLE), 8 + 2 * 32, 0 },
	{ REQ, F(SET_LOG_BASE), 16, 1 },
	{ ANS, F(SET_LOG_BASE), 16, 0 },
	{ REQ, F(SET_LOG_FD), 0, 1 },
	{ REQ, F(SET_VRING_NUM), 8, 0 },
	{ REQ, F(SET_VRING_ADDR), 40, 0 },
	{ REQ, F(SET_VRING_BASE), 8, 0 },
	{ REQ, F(GET_VRING_BASE), 8, 0 },
	{ ANS, F(GET_VRING_BASE), 8, 0 },
	{ REQ, F(SET_VRING_KICK), 8, 1 },
	{ REQ, F(SET_VRING_CALL), 8, 1 },
	{ REQ, F(SET_VRING_ERR), 8, 1 },
	{ REQ, F(GET_PROTOCOL_FEATURES), 0, 0 },
	{ ANS, F(GET_PROTOCOL_FEATURES), 8, 0 },
	{ REQ, F(SET_PROTOCOL_FEATURES), 8, 0 },
	{ REQ, F(GET_QUEUE_NUM), 0, 0 },
	{ ANS, F(GET_QUEUE_NUM), 8, 0 },
	{ REQ, F(SET_VRING_ENABLE), 8, 0 },
	{ REQ, F(SEND_RARP), 8, 0 },
	{ REQ, F(NET_SET_MTU), 8, 0 },
	{ REQ, F(SET_BACKEND_REQ_FD), 0, 1 },
	{ REQ, F(IOTLB_MSG), 32, 0 },
	{ REQ, F(SET_VRING_ENDIAN), 8, 0 },
	{ REQ, F(GET_CONFIG), 12 + 60, 0 },
	{ ANS, F(GET_CONFIG), 12 + 60, 0 },
	{ REQ, F(SET_CONFIG), 12 + 60, 0 },
	{ REQ, F(CREATE_CRYPTO_SESSION), 1072, 0 },
	{ ANS, F(CREATE_CRYPTO_SESSION), 1072, 0 },
	{ REQ, F(CLOSE_CRYPTO_SESSION), 8, 0 },
	{ REQ, F(POSTCOPY_ADVISE), 0, 0 },
	{ ANS, F(POSTCOPY_ADVISE), 0, 1 },
	{ REQ, F(POSTCOPY_LISTEN), 0, 0 },
	{ REQ, F(POSTCOPY_END), 0, 0 },
	{ ANS, F(POSTCOPY_END), 8, 0 },
	{ REQ, F(GET_INFLIGHT_FD), 24, 0 },
	{ ANS, F(GET_INFLIGHT_FD), 24, 1 },
	{ REQ, F(SET_INFLIGHT_FD), 24, 1 },
	{ REQ, F(GPU_SET_SOCKET), 0, 1 },
	{ REQ, F(RESET_DEVICE), 0, 0 },
	{ REQ, F(VRING_KICK), 8, 0 },
	{ REQ, F(GET_MAX_MEM_SLOTS), 0, 0 },
	{ ANS, F(GET_MAX_MEM_SLOTS), 8, 0 },
	{ REQ, F(ADD_MEM_REG), 40, 1 },
	{ POST, F(ADD_MEM_REG), 40, 0 },
	{ REQ, F(REM_MEM_REG), 40, 0 },
	{ REQ, F(SET_STATUS), 8, 0 },
	{ REQ, F(GET_STATUS), 0, 0 },
	{ ANS, F(GET_STATUS), 8, 0 },
	{ REQ, F(GET_SHARED_OBJECT), 16, 0 },
	{ ANS, F(GET_SHARED_OBJECT), 16, 1 },
	{ REQ, F(SET_DEVICE_STATE_FD), 8, 1 },
	{ ANS, F(SET_DEVICE_STATE_FD), 8, 1 },
	{ REQ, F(CHECK_DEVICE_STATE), 0, 0 },
	{ ANS, F(CHECK_DEVICE_STATE), 8, 0 },
	{ REQ, F(GET_SHMEM_CONFIG), 0, 0 },
	{ ANS, F(GET_SHMEM_CONFIG), 8 + 256 * 8, 0 },
	{ BREQ, B(IOTLB_MSG), 32, 0 },
	{ BREQ, B(CONFIG_CHANGE_MSG), 0, 0 },
	{ BREQ, B(VRING_HOST_NOTIFIER_MSG), 24, 1 },
	{ BREQ, B(VRING_CALL), 8, 0 },
	{ BREQ, B(VRING_ERR), 8, 0 },
	{ BREQ, B(SHARED_OBJECT_ADD), 16, 0 },
	{ BREQ, B(SHARED_OBJECT_REMOVE), 16, 0 },
	{ BREQ, B(SHARED_OBJECT_LOOKUP), 16, 0 },
	{ BANS, B(SHARED_OBJECT_LOOKUP), 8, 1 },
	{ BREQ, B(SHMEM_MAP), 40, 1 },
	{ BREQ, B(SHMEM_UNMAP), 40, 0 },
	{ BREQ, C(FS_MAP), 256, 1 },
	{ BREQ, C(FS_UNMAP), 256, 0 },
	{ BREQ, C(FS_SYNC), 256, 0 },
	{ BREQ, C(FS_IO), 256, 1 },
	{ BREQ, C(GPU_MAP), 64, 1 },
	{ BREQ, C(EXTERNAL_MAP), 32, 0 },
};

const size_t message_nr_rows = sizeof(message_rows) / sizeof(message_rows[0]);

const struct message_row *message_row(enum vhost_user_kind kind,
				      uint32_t request)
{
	size_t i;

	for (i = 0; i < message_nr_rows; i++)
		if (message_rows[i].kind == kind &&
		    message_rows[i].request == request)
			return &message_rows[i];
	return NULL;
}

bool message_is_answer(enum vhost_user_kind kind)
{
	return kind == ANS || kind == BANS || kind == POST;
}

static void fill_front(uint32_t request, union vhost_user_payload *p)
{
	switch (request) {
	case F(SET_MEM_TABLE):
		p->memory.nr = 2;
		p->memory.regions[0].size = 0x1000;
		p->memory.regions[1].guest_addr = 0x1000;
		p->memory.regions[1].size = 0x2000;
		break;
	case F(ADD_MEM_REG):
	case F(REM_MEM_REG):
		p->mem_reg.region.size = 0x1000;
		break;
	case F(SET_LOG_BASE):
		p->log.size = 64;
		break;
	case F(SET_VRING_NUM):
		p->state.num = 256;
		break;
	case F(NET_SET_MTU):
		p->u64 = 1500;
		break;
	case F(IOTLB_MSG):
		p->iotlb.type = VHOST_IOTLB_UPDATE;
		p->iotlb.size = 0x1000;
		break;
	case F(GET_CONFIG):
	case F(SET_CONFIG):
		p->config.size = 60;
		break;
	case F(CREATE_CRYPTO_SESSION):
		p->crypto.op_code = VIRTIO_CRYPTO_CIPHER_CREATE_SESSION;
		break;
	case F(GET_INFLIGHT_FD):
	case F(SET_INFLIGHT_FD):
		p->inflight.num_queues = 1;
		p->inflight.queue_size = 128;
		p->inflight.mmap_size = 0x1000;
		break;
	case F(GET_MAX_MEM_SLOTS):
		p->u64 = 8;
		break;
	default:
		break;
	}
}

static void fill_back(uint32_t request, union vhost_user_payload *p)
{
	switch (request) {
	case B(IOTLB_MSG):
		p->iotlb.type = VHOST_IOTLB_MISS;
		break;
	case B(VRING_HOST_NOTIFIER_MSG):
		p->area.size = 0x1000;
		break;
	case B(SHMEM_MAP):
	case B(SHMEM_UNMAP):
		p->mmap.len = 0x1000;
		break;
	case C(FS_MAP):
	case C(FS_UNMAP):
	case C(FS_SYNC):
	case C(FS_IO):
		p->crosvm_fs.len[7] = 0x1000;
		break;
	case C(GPU_MAP):
		p->crosvm_gpu.len = 0x1000;
		break;
	case C(EXTERNAL_MAP):
		p->crosvm_external.len = 0x1000;
		p->crosvm_external.pointer = 0x1000;
		break;
	default:
		break;
	}
}

void message_make(enum vhost_user_kind kind, uint32_t request,
		  struct vhost_user_msg *msg)
{
	const struct message_row *row = message_row(kind, request);

	memset(msg, 0, sizeof(*msg));
	msg->hdr.request = request;
	msg->hdr.flags = VHOST_USER_VERSION;
	msg->hdr.size = row ? row->size : 8;
	if (message_is_answer(kind))
		msg->hdr.flags |= VHOST_USER_REPLY;
	/* An acknowledgement is a number, and some messages have no payload. */
	if (!row || !row->size)
		return;
	if (kind == BREQ)
		fill_back(request, &msg->payload);
	else if (kind != BANS)
		fill_front(request, &msg->payload);
}

const struct vhost_user_msg *message_make_asked(enum vhost_user_kind kind,
						uint32_t request,
						struct vhost_user_msg *asked)
{
	if (!message_is_answer(kind))
		return NULL;
	message_make(kind == BANS ? BREQ : REQ, request, asked);
	asked->hdr.flags |= VHOST_USER_NEED_REPLY;
	return asked;
}

int message_decode(enum vhost_user_kind kind, const struct vhost_user_msg *msg,
		   size_t len, uint32_t nr_fds,
		   const struct vhost_user_msg *ask, struct vhost_user_msg *out,
		   const char **rule)
{
	size_t head = len < HEADER ? len : HEADER, rest = len - head;
	size_t have = sizeof(msg->payload);
	char *buf = calloc(1, len ? len : 1);
	int ret;

	memcpy(buf, &msg->hdr, head);
	memcpy(buf + head, &msg->payload, rest < have ? rest : have);
	*rule = NULL;
	ret = vhost_user_decode(kind, buf, len, nr_fds, ask, out, rule);
	free(buf);
	/* A rejected message has a rule. */
	check(ret == 0 || (ret == -EPROTO && *rule));
	return ret;
}

static int decode_changed(const struct message_change *c,
			  struct vhost_user_msg *msg, uint32_t *fds,
			  const struct vhost_user_msg *ask, const char **rule)
{
	const struct message_row *row = message_row(c->kind, c->request);
	struct vhost_user_msg out;

	message_make(c->kind, c->request, msg);
	memcpy((char *)&msg->payload + c->offset, &c->value, c->width);
	*fds = c->fds < 0 ? row->fds : (uint32_t)c->fds;
	return message_decode(c->kind, msg, HEADER + msg->hdr.size, *fds, ask,
			      &out, rule);
}

void message_check_broken(const struct message_change *changes, size_t nr)
{
	struct vhost_user_msg msg, asked;
	const struct vhost_user_msg *ask;
	const struct message_change *c;
	const char *rule;
	uint32_t fds;
	size_t i;

	for (i = 0; i < nr; i++) {
		c = &changes[i];
		ask = message_make_asked(c->kind, c->request, &asked);
		check_eq(decode_changed(c, &msg, &fds, ask, &rule), -EPROTO);
		if (!rule || strcmp(rule, c->rule)) {
			printf("# row %zu: %s, not %s\n", i, rule, c->rule);
			check(!"the expected rule");
		}
		/* The encoder sets the size itself. */
		if (strstr(c->rule, "size does not match"))
			continue;
		rule = NULL;
		check_eq(vhost_user_encode(c->kind, &msg, fds, ask, &rule),
			 -EPROTO);
		check(rule && !strcmp(rule, c->rule));
	}
}

void message_check_fine(const struct message_change *changes, size_t nr)
{
	struct vhost_user_msg msg, asked;
	const struct vhost_user_msg *ask;
	const struct message_change *c;
	const char *rule;
	uint32_t fds;
	size_t i;

	for (i = 0; i < nr; i++) {
		c = &changes[i];
		ask = message_make_asked(c->kind, c->request, &asked);
		check_eq(decode_changed(c, &msg, &fds, ask, &rule), 0);
		if (rule)
			printf("# row %zu: %s\n", i, rule);
	}
}
