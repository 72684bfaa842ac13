/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The result of an attempt to connect to a server.
 *
 * The process that makes the attempt writes the result to memory that it shares with
 * vuserd, and sends the file descriptors over a socket. vuserd reads both after this
 * process has ended. It copies the result, and then checks all numbers in the copy: the
 * process has parsed what the server sent. A server that has taken it over may write any
 * byte, and a child of the process may still write. So no member is a bool: only two of
 * its 256 values are valid.
 */
#ifndef VUSERD_RESULT_H
#define VUSERD_RESULT_H

#include <linux/vuser.h>
#include <stdint.h>
#include <vuser/client.h>

/**
 * struct result_region - a region of the device
 * @size: see struct vuser_region, as the other members without a description
 * @flags: -
 * @has_type: -
 * @has_file: the file of the areas was sent
 * @type: -
 * @subtype: -
 * @nr_areas: -
 * @areas: -
 */
struct result_region {
	uint64_t size;
	uint32_t flags;
	uint8_t has_type;
	uint8_t has_file;
	uint32_t type;
	uint32_t subtype;
	uint32_t nr_areas;
	struct vuser_area areas[VUSER_MAX_AREAS];
};

/**
 * struct result_io_fd - an ioeventfd of the device
 * @region: index of its region; the entries are sorted by it
 * @eventfd: number of the eventfd among those that were sent for this region
 * @io: the other members; its fd is not used
 */
struct result_io_fd {
	uint32_t region;
	uint32_t eventfd;
	struct vuser_io_fd io;
};

/**
 * struct result - the result of an attempt
 * @complete: the attempt has succeeded: all members but @why are valid
 * @why: the reason of a failure as text
 * @minor: see struct vuser_description
 * @flags: see struct vuser_description
 * @caps: see struct vuser_description
 * @has_twin: the twin socket was sent
 * @nr_regions: entries of @regions and @nr_eventfds
 * @regions: the regions by index
 * @nr_eventfds: how many eventfds were sent, by region
 * @nr_io_fds: entries of @io_fds
 * @io_fds: the ioeventfds of all regions
 * @nr_irqs: entries of @irqs
 * @irqs: see struct vuser_description
 * @config_size: bytes of @config
 * @config: content of configuration space
 */
struct result {
	uint8_t complete;
	char why[VUSER_ERROR_MAX + 1];
	uint16_t minor;
	uint32_t flags;
	struct vuser_caps caps;
	uint8_t has_twin;
	uint32_t nr_regions;
	struct result_region regions[VUSER_MAX_REGIONS];
	uint32_t nr_eventfds[VUSER_MAX_REGIONS];
	uint32_t nr_io_fds;
	struct result_io_fd io_fds[VUSER_MAX_IOEVENTFDS];
	uint32_t nr_irqs;
	struct vuser_irq irqs[VUSER_MAX_IRQ_INDEXES];
	uint32_t config_size;
	uint8_t config[VUSER_CONFIG_MAX];
};

/**
 * result_put - write a description, and send its file descriptors
 * @result: @config and @config_size are already set
 * @channel: socket to vuserd
 * @desc: the description; its file descriptors stay open
 *
 * Return: 0; -E2BIG if the device has too many ioeventfds; or an errno of sendmsg(2).
 */
int result_put(struct result *result, int channel,
	       const struct vuser_description *desc);

/**
 * result_take - read a description, and receive its file descriptors
 * @shared: the memory that the process wrote
 * @channel: socket to this process, which has ended
 * @result: the result, a copy of @shared; its numbers are valid
 * @desc: the description; the caller frees it
 *
 * Return: 0; -ENOMEM; -ENFILE if this process cannot have more file descriptors; or
 * -EBADMSG if the result is not valid.
 */
int result_take(const struct result *shared, int channel, struct result *result,
		struct vuser_description **desc);

#endif /* VUSERD_RESULT_H */
