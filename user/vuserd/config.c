// SPDX-License-Identifier: GPL-2.0
/* Read the configuration space of a device before it is attached. */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "config.h"

/* Bytes of one read: every server supports aligned accesses of 4 bytes. */
#define PIECE 4

static int ask(struct config *config)
{
	struct vfio_user_header hdr = {
		.msg_id = config->done / PIECE,
		.command = VFIO_USER_REGION_READ,
	};
	struct vfio_user_region_access access;
	struct iovec iov = { .iov_base = &access };
	ssize_t len;

	len = vuser_encode_region_access(&access, sizeof(access),
					 VFIO_PCI_CONFIG_REGION_INDEX,
					 config->done, PIECE);
	if (len < 0)
		return len;
	iov.iov_len = len;
	/*
	 * The server has read all earlier messages, so the socket has room.
	 */
	return vuser_msg_send(config->sock, &hdr, &iov, 1, NULL, 0, 0);
}

int config_start(struct config *config, const struct vuser_description *desc)
{
	const struct vuser_region *region;
	int ret;

	memset(config, 0, sizeof(*config));
	strcpy(config->error, "cannot request configuration space");
	vuser_msg_init(&config->msg);
	config->sock = desc->sock;
	if (!(desc->flags & VFIO_DEVICE_FLAGS_PCI) ||
	    desc->nr_regions <= VFIO_PCI_CONFIG_REGION_INDEX)
		return 0;
	region = &desc->regions[VFIO_PCI_CONFIG_REGION_INDEX];
	if (!(region->flags & VFIO_REGION_INFO_FLAG_READ))
		return 0;
	config->size = region->size < VUSER_CONFIG_MAX ? region->size :
							 VUSER_CONFIG_MAX;
	config->size -= config->size % PIECE;
	if (!config->size)
		return 0;
	ret = ask(config);
	return ret ? ret : -EAGAIN;
}

/*
 * Without extended capabilities, the rest of configuration space is not used.
 */
static bool is_end(const struct config *config)
{
	static const uint8_t none[PIECE];

	return config->done == PCI_CFG_SPACE_SIZE + PIECE &&
	       !memcmp(config->data + PCI_CFG_SPACE_SIZE, none, PIECE);
}

/* The message must be the reply to the last request. */
static int take(struct config *config)
{
	const struct vfio_user_header *hdr = &config->msg.hdr;
	const void *data;

	if (!vuser_header_is_reply(hdr) ||
	    hdr->command != VFIO_USER_REGION_READ ||
	    hdr->msg_id != config->done / PIECE)
		return -EPROTO;
	if (hdr->flags & VFIO_USER_FLAGS_ERROR) {
		/* The rest is not readable: keep the bytes read so far. */
		config->size = config->done;
		return 0;
	}
	if (vuser_decode_region_read_reply(config->msg.payload, config->msg.len,
					   VFIO_PCI_CONFIG_REGION_INDEX,
					   config->done, PIECE, &data))
		return -EPROTO;
	memcpy(config->data + config->done, data, PIECE);
	config->done += PIECE;
	if (is_end(config))
		config->size = config->done = PCI_CFG_SPACE_SIZE;
	return 0;
}

/* Set the text of the error. Return: @ret. */
static int bad_reply(struct config *config, int ret)
{
	char header[96];

	vuser_header_text(header, sizeof(header), &config->msg.hdr);
	snprintf(config->error, sizeof(config->error),
		 "no reply to a read of configuration space: %s", header);
	return ret;
}

int config_step(struct config *config)
{
	int ret;

	for (;;) {
		ret = vuser_msg_recv(config->sock, &config->msg, VUSER_MAX_XFER,
				     0);
		if (ret == -EAGAIN)
			return ret;
		if (!ret)
			ret = take(config);
		vuser_msg_clear(&config->msg);
		if (ret)
			return bad_reply(config, ret);
		if (config->done == config->size)
			return 0;
		ret = ask(config);
		if (ret)
			return bad_reply(config, ret);
	}
}

void config_clear(struct config *config)
{
	vuser_msg_clear(&config->msg);
}
