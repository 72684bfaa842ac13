// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/vfio.h>

#include "nlop.h"

#define PAGE 0x1000ull

#define NUMBER(t, k, v) { .type = t, .kind = k, .needed = true, .value = v }
#define OPTION(t, k, v) { .type = t, .kind = k, .value = v }
#define TEXT(t, v)	{ .type = t, .kind = K_TEXT, .text = v }
#define FROM(t, k, s)	{ .type = t, .kind = k, .needed = true, .source = s }
#define NEST(t, a)	{ .type = t, .kind = K_NEST, .nest = a }
#define END		{ .kind = K_FLAG }

static const struct nlop_attr area[] = {
	NUMBER(VUSER_A_AREA_OFFSET, K_U64, 4 * PAGE),
	NUMBER(VUSER_A_AREA_SIZE, K_U64, 2 * PAGE),
	FROM(VUSER_A_AREA_FD, K_FD, FROM_MEMFD),
	NUMBER(VUSER_A_AREA_FILE_OFFSET, K_U64, 0),
	END,
};

static const struct nlop_attr bar[] = {
	NUMBER(VUSER_A_REGION_INDEX, K_U32, VFIO_PCI_BAR0_REGION_INDEX),
	NUMBER(VUSER_A_REGION_SIZE, K_U64, 16 * PAGE),
	NUMBER(VUSER_A_REGION_FLAGS, K_U32,
	       VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE),
	NEST(VUSER_A_REGION_AREA, area),
	END,
};

static const struct nlop_attr typed[] = {
	NUMBER(VUSER_A_REGION_INDEX, K_U32, VFIO_PCI_NUM_REGIONS),
	NUMBER(VUSER_A_REGION_SIZE, K_U64, PAGE),
	NUMBER(VUSER_A_REGION_FLAGS, K_U32, VFIO_REGION_INFO_FLAG_READ),
	NUMBER(VUSER_A_REGION_TYPE, K_U32, 0x1000),
	NUMBER(VUSER_A_REGION_SUBTYPE, K_U32, 1),
	{ .type = VUSER_A_REGION_POSTED, .kind = K_FLAG },
	END,
};

static const struct nlop_attr config[] = {
	NUMBER(VUSER_A_REGION_INDEX, K_U32, VFIO_PCI_CONFIG_REGION_INDEX),
	NUMBER(VUSER_A_REGION_SIZE, K_U64, 256),
	NUMBER(VUSER_A_REGION_FLAGS, K_U32,
	       VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE),
	END,
};

static const struct nlop_attr ioeventfd[] = {
	NUMBER(VUSER_A_IOEVENTFD_REGION, K_U32, VFIO_PCI_BAR0_REGION_INDEX),
	NUMBER(VUSER_A_IOEVENTFD_OFFSET, K_U64, PAGE),
	NUMBER(VUSER_A_IOEVENTFD_SIZE, K_U32, 4),
	NUMBER(VUSER_A_IOEVENTFD_FLAGS, K_U32, 0),
	NUMBER(VUSER_A_IOEVENTFD_DATAMATCH, K_U64, 0),
	FROM(VUSER_A_IOEVENTFD_FD, K_FD, FROM_EVENTFD),
	END,
};

static const struct nlop_attr irq[] = {
	NUMBER(VUSER_A_IRQ_INDEX, K_U32, VFIO_PCI_MSIX_IRQ_INDEX),
	NUMBER(VUSER_A_IRQ_FLAGS, K_U32, VFIO_IRQ_INFO_EVENTFD),
	NUMBER(VUSER_A_IRQ_COUNT, K_U32, 4),
	END,
};

static const struct nlop_attr intx[] = {
	NUMBER(VUSER_A_IRQ_INDEX, K_U32, VFIO_PCI_INTX_IRQ_INDEX),
	NUMBER(VUSER_A_IRQ_FLAGS, K_U32, VFIO_IRQ_INFO_EVENTFD),
	NUMBER(VUSER_A_IRQ_COUNT, K_U32, 1),
	{ .type = VUSER_A_IRQ_FD, .kind = K_FD, .source = FROM_EVENTFD },
	END,
};

static const struct nlop_attr attach[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	FROM(VUSER_A_DEV_TOKEN, K_U64, FROM_TOKEN),
	FROM(VUSER_A_DEV_SOCKET_FD, K_FD, FROM_SOCKET),
	{ .type = VUSER_A_DEV_TWIN_FD, .kind = K_FD, .source = FROM_TWIN },
	NUMBER(VUSER_A_DEV_MINOR, K_U32, 1),
	NUMBER(VUSER_A_DEV_MAX_MSG_FDS, K_U32, 8),
	NUMBER(VUSER_A_DEV_MAX_DATA_XFER_SIZE, K_U32, 1 << 20),
	OPTION(VUSER_A_DEV_SERVER_MAX_DMA_MAPS, K_U32, 64),
	NUMBER(VUSER_A_DEV_FLAGS, K_U32,
	       VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET),
	NEST(VUSER_A_DEV_REGION, bar),
	NEST(VUSER_A_DEV_REGION, typed),
	{ .type = VUSER_A_DEV_REGION,
	  .kind = K_NEST,
	  .needed = true,
	  .nest = config },
	NEST(VUSER_A_DEV_IOEVENTFD, ioeventfd),
	NEST(VUSER_A_DEV_IRQ, irq),
	NEST(VUSER_A_DEV_IRQ, intx),
	OPTION(VUSER_A_DEV_CONFIG, K_BYTES, 256),
	END,
};

static const struct nlop_attr by_id[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	END,
};

static const struct nlop_attr by_uuid[] = {
	FROM(VUSER_A_DEV_UUID, K_UUID, FROM_UUID),
	END,
};

static const struct nlop_attr set_by_uuid[] = {
	FROM(VUSER_A_DEV_UUID, K_UUID, FROM_UUID),
	OPTION(VUSER_A_DEV_MMAP, K_U32, VUSER_MMAP_POLICY_AUTO),
	END,
};

static const struct nlop_attr set[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	TEXT(VUSER_A_DEV_PCI_ADDRESS, "5655:77:00.0"),
	TEXT(VUSER_A_DEV_ENDPOINT, "/nowhere"),
	OPTION(VUSER_A_DEV_REQUEST_TIMEOUT_MS, K_U32, 5000),
	OPTION(VUSER_A_DEV_CLOSE_TIMEOUT_MS, K_U32, 5000),
	OPTION(VUSER_A_DEV_MMAP, K_U32, VUSER_MMAP_POLICY_TRAP),
	OPTION(VUSER_A_DEV_MAX_DMA_MAPS, K_U32, 8),
	OPTION(VUSER_A_DEV_RESET, K_U32, VUSER_RESET_POLICY_NEVER),
	OPTION(VUSER_A_DEV_PCI_SETUP, K_U32, VUSER_PCI_SETUP_NEVER),
	OPTION(VUSER_A_DEV_DMA_BACKING, K_U32, VUSER_DMA_BACKING_MEMORY),
	OPTION(VUSER_A_DEV_DMA_HOLES, K_U32, VUSER_DMA_HOLES_FAULT),
	OPTION(VUSER_A_DEV_ON_LOSS, K_U32, VUSER_ON_LOSS_ONES),
	OPTION(VUSER_A_DEV_RECONNECT_TIMEOUT_MS, K_U32, 500),
	OPTION(VUSER_A_DEV_STATE_KEPT, K_U32, VUSER_STATE_KEPT_YES),
	OPTION(VUSER_A_DEV_SERVER_USER, K_U32, 0),
	END,
};

static const struct nlop_attr detach[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	TEXT(VUSER_A_DEV_ERROR, "the server exited"),
	FROM(VUSER_A_DEV_TOKEN, K_U64, FROM_TOKEN),
	END,
};

/* Without the flag, these are valid messages about the server in use. */
static const struct nlop_attr attach_next[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	FROM(VUSER_A_DEV_TOKEN, K_U64, FROM_TOKEN),
	{ .type = VUSER_A_DEV_REPLACE, .kind = K_FLAG },
	FROM(VUSER_A_DEV_SOCKET_FD, K_FD, FROM_SOCKET),
	NUMBER(VUSER_A_DEV_MINOR, K_U32, 1),
	NUMBER(VUSER_A_DEV_MAX_MSG_FDS, K_U32, 8),
	NUMBER(VUSER_A_DEV_MAX_DATA_XFER_SIZE, K_U32, 1 << 20),
	NUMBER(VUSER_A_DEV_FLAGS, K_U32,
	       VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET),
	{ .type = VUSER_A_DEV_REGION,
	  .kind = K_NEST,
	  .needed = true,
	  .nest = config },
	END,
};

static const struct nlop_attr detach_next[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	TEXT(VUSER_A_DEV_ERROR, "no server listens"),
	FROM(VUSER_A_DEV_TOKEN, K_U64, FROM_TOKEN),
	{ .type = VUSER_A_DEV_REPLACE, .kind = K_FLAG },
	END,
};

static const struct nlop_attr replace[] = {
	FROM(VUSER_A_DEV_ID, K_U32, FROM_ID),
	{ .type = VUSER_A_DEV_REPLACEMENT,
	  .kind = K_TEXT,
	  .needed = true,
	  .text = "/nowhere" },
	{ .type = VUSER_A_DEV_NO_STATE, .kind = K_FLAG },
	END,
};

static const struct nlop_attr replace_by_uuid[] = {
	FROM(VUSER_A_DEV_UUID, K_UUID, FROM_UUID),
	{ .type = VUSER_A_DEV_REPLACEMENT,
	  .kind = K_TEXT,
	  .needed = true,
	  .text = "/nowhere" },
	END,
};

static const struct nlop_attr fdmsg_get[] = {
	FROM(VUSER_A_FDMSG_DEV, K_U32, FROM_ID),
	NUMBER(VUSER_A_FDMSG_ID, K_U64, 12345),
	END,
};

static const struct nlop_attr fdmsg_send[] = {
	FROM(VUSER_A_FDMSG_DEV, K_U32, FROM_ID),
	NUMBER(VUSER_A_FDMSG_ID, K_U64, 12345),
	FROM(VUSER_A_FDMSG_TOKEN, K_U64, FROM_TOKEN),
	FROM(VUSER_A_FDMSG_NULL_FD, K_FD, FROM_EVENTFD),
	END,
};

static const struct nlop_attr fdmsg_done[] = {
	FROM(VUSER_A_FDMSG_DEV, K_U32, FROM_ID),
	NUMBER(VUSER_A_FDMSG_ID, K_U64, 12345),
	FROM(VUSER_A_FDMSG_TOKEN, K_U64, FROM_TOKEN),
	NUMBER(VUSER_A_FDMSG_STATUS, K_U32, EIO),
	END,
};

const struct nlop nlops[NR_NLOPS] = {
	{ VUSER_CMD_DEV_GET, "dev-get", by_id, 0 },
	{ VUSER_CMD_DEV_GET, "dev-get by uuid", by_uuid, 0 },
	{ VUSER_CMD_DEV_SET, "dev-set", set, 0 },
	{ VUSER_CMD_DEV_SET, "dev-set by uuid", set_by_uuid, 0 },
	{ VUSER_CMD_DEV_CLAIM, "dev-claim", by_id, 0 },
	{ VUSER_CMD_DEV_ATTACH, "dev-attach", attach, 0 },
	{ VUSER_CMD_DEV_DETACH, "dev-detach", detach, 0 },
	{ VUSER_CMD_DEV_ATTACH, "dev-attach of the next server", attach_next,
	  -EBUSY },
	{ VUSER_CMD_DEV_DETACH, "dev-detach of the next server", detach_next,
	  -EBUSY },
	{ VUSER_CMD_DEV_REPLACE, "dev-replace", replace, -EBUSY },
	{ VUSER_CMD_DEV_REPLACE, "dev-replace by uuid", replace_by_uuid,
	  -EBUSY },
	{ VUSER_CMD_FDMSG_GET, "fdmsg-get", fdmsg_get, -ENOENT },
	{ VUSER_CMD_FDMSG_SEND, "fdmsg-send", fdmsg_send, -ENOTCONN },
	{ VUSER_CMD_FDMSG_DONE, "fdmsg-done", fdmsg_done, -ENOTCONN },
};

const struct nlop *nlop_of(uint8_t cmd)
{
	size_t i;

	for (i = 0; i < NR_NLOPS; i++)
		if (nlops[i].cmd == cmd)
			return &nlops[i];
	return NULL;
}

size_t nlop_size(enum nlop_kind kind)
{
	switch (kind) {
	case K_U32:
	case K_FD:
		return 4;
	case K_U64:
		return 8;
	case K_UUID:
		return VUSER_UUID_LEN;
	default:
		return 0;
	}
}

static uint64_t number_of(const struct nlop_env *env,
			  const struct nlop_attr *attr)
{
	switch (attr->source) {
	case FROM_ID:
		return env->id;
	case FROM_TOKEN:
		return env->token;
	case FROM_SOCKET:
		return env->sock;
	case FROM_TWIN:
		return env->twin;
	case FROM_MEMFD:
		return env->memfd;
	case FROM_EVENTFD:
		return env->eventfd;
	default:
		return attr->value;
	}
}

static void put_list(struct nlop_put *put, const struct nlop_attr *attrs)
{
	for (; attrs->type; attrs++)
		if (!put->hook || !put->hook(put, attrs))
			nlop_put(put, attrs);
}

void nlop_put(struct nlop_put *put, const struct nlop_attr *attr)
{
	static const uint8_t zeros[4096];
	uint64_t number = number_of(put->env, attr);
	struct nlt_msg *msg = put->msg;
	size_t nest;

	switch (attr->kind) {
	case K_NEST:
		nest = nlt_nest(msg, attr->type);
		put_list(put, attr->nest);
		nlt_nest_end(msg, nest);
		break;
	case K_TEXT:
		nlt_put_string(msg, attr->type, attr->text);
		break;
	case K_BYTES:
		nlt_put(msg, attr->type, zeros, attr->value);
		break;
	case K_UUID:
		nlt_put(msg, attr->type, put->env->uuid, VUSER_UUID_LEN);
		break;
	default:
		nlt_put(msg, attr->type, &number, nlop_size(attr->kind));
	}
}

struct nlt_msg *nlop_compose(struct nlop_put *put, const struct nlop *op)
{
	put->msg = nlt_new(op->cmd, 0);
	put_list(put, op->attrs);
	return put->msg;
}
