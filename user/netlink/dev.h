/* SPDX-License-Identifier: GPL-2.0 */
/* Devices as the kernel describes them. */
#ifndef VNL_DEV_H
#define VNL_DEV_H

#include <linux/vuser.h>
#include <stdbool.h>
#include <stdint.h>

#include "name.h"
#include "sock.h"
#include "uuid.h"

#define VNL_MAX_REGIONS 32
#define VNL_MAX_IRQS	16

struct vnl_region {
	uint64_t size;
	uint32_t flags;
	bool has_type;
	bool posted;
	uint32_t type;
	uint32_t subtype;
};

/**
 * struct vnl_histogram - how long servers took to answer a command
 * @nr: number of replies, by bucket; see latency-buckets in the netlink specification
 */
struct vnl_histogram {
	uint64_t nr[VUSER_LATENCY_BUCKETS];
};

struct vnl_irq {
	uint32_t flags;
	uint32_t count;
};

/**
 * struct vnl_dev - a device
 * @full: @endpoint, @error, @config and the members of the replacement are valid. The
 *        kernel shows them only in a reply to a caller with CAP_SYS_ADMIN, never in a
 *        notification.
 * @has_server: @server_pid, @server_uid and @server_gid are valid
 * @attached: a server is attached: @minor to @server_max_dma_maps are valid
 * @latency: all 0 in notifications
 * @whole: the members from @flags on are valid. Dumps and notifications lack
 *         them.
 *
 * The other members are attributes of the netlink specification.
 */
struct vnl_dev {
	uint32_t id;
	char uuid[VNL_UUID_TEXT];
	uint32_t state;
	char pci_address[16];
	uint32_t group;
	bool full;
	char endpoint[VUSER_ENDPOINT_MAX + 1];
	char error[VUSER_ERROR_MAX + 1];
	uint32_t owner;
	uint32_t dma_regions;
	uint32_t request_timeout_ms;
	uint32_t close_timeout_ms;
	uint32_t mmap;
	uint32_t max_dma_maps;
	uint32_t reset;
	uint32_t pci_setup;
	uint32_t dma_backing;
	uint32_t dma_holes;
	uint32_t server_user;
	uint32_t on_loss;
	uint32_t reconnect_timeout_ms;
	uint32_t state_kept;
	uint32_t replacing;
	char replacement[VUSER_ENDPOINT_MAX + 1];
	char replace_error[VUSER_ERROR_MAX + 1];
	uint64_t replace_pause_us;
	uint64_t counters[VNL_NR_COUNTERS];
	struct vnl_histogram latency[VNL_NR_LATENCIES];

	bool has_server;
	uint32_t server_pid;
	uint32_t server_uid;
	uint32_t server_gid;

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

/**
 * vnl_dev_parse - read a device from a message
 * @msg: reply to dev-get; dev-ntf; or dev-del-ntf, which has id and uuid only
 * @dev: filled in
 *
 * Return: 0, or -EBADMSG.
 */
int vnl_dev_parse(const struct vnl_msg *msg, struct vnl_dev *dev);

/* Ask the kernel for one device. -ENODEV: the device does not exist. */
int vnl_dev_get(struct vnl_sock *nl, uint32_t id, struct vnl_dev *dev);

/* As vnl_dev_get(), but by UUID. -EINVAL: @uuid is not a UUID. */
int vnl_dev_get_uuid(struct vnl_sock *nl, const char *uuid,
		     struct vnl_dev *dev);

/* Called for each device of a dump.  A value other than 0 ends the dump. */
typedef int (*vnl_dev_fn)(void *data, const struct vnl_dev *dev);

/*
 * Call @fn for each device. Return: 0, also when @fn ended the dump; or an
 * errno.
 */
int vnl_dev_dump(struct vnl_sock *nl, vnl_dev_fn fn, void *data);

#endif /* VNL_DEV_H */
