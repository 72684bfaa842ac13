/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The client's side of the control plane (generic netlink family "vuser").
 *
 * Functions return 0 or a negative errno, those that ask the kernel its own;
 * vnl_error() then says more.
 */
#ifndef VNL_H
#define VNL_H

#include <linux/vuser.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include <stdbool.h>
#include <stdint.h>

#define VNL_MAX_REGIONS 32
#define VNL_MAX_IRQS	16

/*
 * All counters of a device: attribute and name, in the order of the attributes.
 * names.c has the compiler compare this table with the kernel's header.
 */
#define VNL_COUNTERS(X)                 \
	X(REGION_READ, "region-read")   \
	X(REGION_WRITE, "region-write") \
	X(POSTED_WRITE, "posted-write") \
	X(POSTED_ERROR, "posted-error") \
	X(TRAP_LOAD, "trap-load")       \
	X(TRAP_STORE, "trap-store")     \
	X(TRAP_REFUSED, "trap-refused") \
	X(IOEVENTFD, "ioeventfd")       \
	X(DMA_READ, "dma-read")         \
	X(DMA_WRITE, "dma-write")       \
	X(DMA_MAP, "dma-map")           \
	X(DMA_UNMAP, "dma-unmap")       \
	X(SET_IRQS, "set-irqs")         \
	X(RESET, "reset")               \
	X(UNSENT, "unsent")

#define VNL_COUNTER_MEMBER(attr, name) VNL_COUNTER_##attr,

/* Indexes of struct vnl_dev's counters. */
enum vnl_counter {
	VNL_COUNTERS(VNL_COUNTER_MEMBER) VNL_NR_COUNTERS
};

/* A message that came: @attrs is by number, NULL where it has none. */
struct vnl_msg {
	uint8_t cmd;
	uint32_t seq;
	struct nlmsghdr *hdr;
};

typedef int (*vnl_fn)(void *data, const struct vnl_msg *msg);

/**
 * struct vnl - a socket to the family
 * @sk: libnl's socket, non-blocking
 * @family: number of the family
 * @seq: of the last request
 * @event: called for what the kernel sent on its own
 * @event_data: for @event
 * @error: what the kernel said of the last request
 */
struct vnl {
	struct nl_sock *sk;
	int family;
	uint32_t seq;
	vnl_fn event;
	void *event_data;
	char error[256];
};

/* -ENOENT: the module is not loaded. */
int vnl_open(struct vnl *nl);
void vnl_close(struct vnl *nl);
int vnl_fd(const struct vnl *nl);
uint32_t vnl_port(const struct vnl *nl);

/* Take part in the family's multicast group. */
int vnl_join(struct vnl *nl);

/**
 * vnl_request - begin a request
 * @nl: the socket
 * @cmd: VUSER_CMD_*
 * @flags: NLM_F_DUMP or 0
 * @size: of the attributes, bytes, 0 for a page
 *
 * Return: the message, or NULL without memory.
 */
struct nl_msg *vnl_request(struct vnl *nl, uint8_t cmd, int flags, size_t size);

/**
 * vnl_call - send a request and take its answer
 * @nl: the socket
 * @msg: of vnl_request(), freed
 * @fn: called for each message of the answer, may be NULL
 * @data: for @fn
 *
 * The kernel answers before sending returns, so this never waits.
 *
 * Return: 0; the kernel's error; -ENOBUFS when the answer was lost.
 */
int vnl_call(struct vnl *nl, struct nl_msg *msg, vnl_fn fn, void *data);

/**
 * vnl_events - give what came by itself to nl->event
 * @nl: the socket
 *
 * Return: 0 when nothing is left; -ENOBUFS when some was lost.
 */
int vnl_events(struct vnl *nl);

/* vnl_error - what went wrong, for people, never empty after an error */
const char *vnl_error(const struct vnl *nl, int error);

/* vnl_parse - attributes of a message by number */
int vnl_parse(const struct vnl_msg *msg, struct nlattr **attrs, int max);

/*
 * The number in an attribute.  -EBADMSG, and *@val stays as it is, when there
 * is no attribute or it is too short for one.
 */
int vnl_u32(struct nlattr *attr, uint32_t *val);
int vnl_u64(struct nlattr *attr, uint64_t *val);

struct vnl_region {
	uint64_t size;
	uint32_t flags;
	bool has_type;
	bool posted;
	uint32_t type;
	uint32_t subtype;
};

struct vnl_irq {
	uint32_t flags;
	uint32_t count;
};

/**
 * struct vnl_dev - a device as the kernel shows it
 * @attached: from @minor to @server_max_dma_maps is valid
 * @whole: from @flags on is valid: not so in a dump or a notification
 */
struct vnl_dev {
	uint32_t id;
	char uuid[37];
	uint32_t state;
	char pci_address[16];
	uint32_t group;
	char endpoint[VUSER_ENDPOINT_MAX + 1];
	char error[VUSER_ERROR_MAX + 1];
	uint32_t owner;
	uint32_t dma_regions;
	uint32_t request_timeout_ms;
	uint32_t close_timeout_ms;
	uint32_t mmap;
	uint32_t max_dma_maps;
	uint32_t reset;
	uint32_t dma_backing;
	uint64_t counters[VNL_NR_COUNTERS];

	bool attached;
	uint32_t minor;
	uint32_t max_msg_fds;
	uint32_t max_data_xfer_size;
	uint32_t server_max_dma_maps;

	bool whole;
	uint32_t flags;
	uint32_t nr_regions;
	struct vnl_region regions[VNL_MAX_REGIONS];
	uint32_t nr_irqs;
	struct vnl_irq irqs[VNL_MAX_IRQS];
	uint32_t config_size;
	uint8_t config[VUSER_CONFIG_MAX];
};

/* From a dev-get reply, dev-ntf or dev-del-ntf (id and uuid only). */
int vnl_dev_parse(const struct vnl_msg *msg, struct vnl_dev *dev);

/* @uuid as people write it; 16 bytes in that order. -EINVAL. */
int vnl_uuid_parse(const char *text, uint8_t uuid[VUSER_UUID_LEN]);
void vnl_uuid_format(const uint8_t uuid[VUSER_UUID_LEN], char text[37]);

/* Called for each device of a dump; not 0 ends it, without an error. */
typedef int (*vnl_dev_fn)(void *data, const struct vnl_dev *dev);

int vnl_dev_get(struct vnl *nl, uint32_t id, struct vnl_dev *dev);
int vnl_dev_get_uuid(struct vnl *nl, const char *uuid, struct vnl_dev *dev);
int vnl_dev_dump(struct vnl *nl, vnl_dev_fn fn, void *data);

/* Names as the netlink specification has them; "unknown" for other numbers. */
const char *vnl_state_name(uint32_t state);
const char *vnl_mmap_name(uint32_t mmap);
const char *vnl_reset_name(uint32_t reset);
const char *vnl_dma_backing_name(uint32_t backing);
const char *vnl_counter_name(enum vnl_counter counter);

/* The number of a name, or -EINVAL. */
int vnl_mmap_number(const char *name);
int vnl_reset_number(const char *name);
int vnl_dma_backing_number(const char *name);

#endif /* VNL_H */
