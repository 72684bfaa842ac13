// SPDX-License-Identifier: GPL-2.0
/*
 * The vfio-user commands that the kernel sends to learn which memory a device has written.
 *
 * Everything in a reply is checked here.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/vfio.h>

#include "compat.h"
#include "server/call.h"
#include "server/channel.h"
#include "server/cmd.h"
#include "server/cmd_log.h"
#include "server/desc.h"

/**
 * vuser_cmd_log_start() - send DMA_LOGGING_START for all memory
 * @chan: channel of an open device
 * @page: set on success to the number of bytes for which the server has a bit, a power of two
 *	of at most VUSER_LOG_PAGE_MAX
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EIO when the reply is malformed: the server may log; or as
 * vuser_cmd_feature().
 */
int vuser_cmd_log_start(struct vuser_channel *chan, u64 *page)
{
	struct vfio_user_log_control control = { .page_size = PAGE_SIZE };
	size_t reply = 0;
	int ret = vuser_cmd_feature(chan, VFIO_DEVICE_FEATURE_SET |
				    VFIO_DEVICE_FEATURE_DMA_LOGGING_START,
				    &control, sizeof(control), &reply);

	if (ret)
		return ret;
	if (reply != sizeof(control) || !is_power_of_2(control.page_size) ||
	    control.page_size > VUSER_LOG_PAGE_MAX)
		return -EIO;
	*page = control.page_size;
	return 0;
}

/**
 * vuser_cmd_log_stop() - send DMA_LOGGING_STOP
 * @chan: channel of an open device
 * @deadline: when to stop waiting, on ktime_get()'s clock
 * @killable: a fatal signal ends the wait
 *
 * Context: process; sleeps until the server answers.
 * Return: as vuser_cmd_feature_until().
 */
int vuser_cmd_log_stop(struct vuser_channel *chan, ktime_t deadline, bool killable)
{
	struct vuser_feature feature = {
		.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_STOP,
		.deadline = deadline,
		.killable = killable,
	};
	size_t reply;

	return vuser_cmd_feature_until(chan, &feature, &reply);
}

/* The length of a bitmap of @nr bits in a message. */
static size_t vuser_cmd_log_bytes(u64 nr)
{
	return BITS_TO_LONGS(nr) * sizeof(u64);
}

/**
 * vuser_cmd_log_max() - get the number of bits that one report may have
 * @chan: channel of an open device
 *
 * Context: any.
 * Return: the number of bits, a multiple of 64.
 */
u64 vuser_cmd_log_max(const struct vuser_channel *chan)
{
	u32 bytes = min_t(u32, VUSER_MAX_XFER, chan->desc->max_data_xfer_size);

	return max_t(u64, bytes / sizeof(u64), 1) * BITS_PER_LONG;
}

/*
 * A DMA_LOGGING_REPORT after the header of the message: struct vfio_user_device_feature, then
 * struct vfio_user_log_report.  In a reply, the bitmap follows.
 */
struct vuser_log_message {
	u32 argsz;
	u32 flags;
	u64 iova;
	u64 length;
	u64 page_size;
};

static_assert(sizeof(struct vuser_log_message) ==
	      sizeof(struct vfio_user_device_feature) + sizeof(struct vfio_user_log_report));

/**
 * vuser_cmd_log_size() - get the size of the buffer for reports
 * @chan: channel of an open device
 *
 * Context: any.
 * Return: bytes.
 */
size_t vuser_cmd_log_size(const struct vuser_channel *chan)
{
	return sizeof(struct vuser_log_message) + vuser_cmd_log_bytes(vuser_cmd_log_max(chan));
}

/**
 * vuser_cmd_log_report() - send DMA_LOGGING_REPORT and wait for the bitmap
 * @chan: channel of an open device
 * @report: the command; @report->bitmap is set on success.  Bits after those of the pages may
 *	have any value
 *
 * Context: process; sleeps killably until the server answers.
 * Return: 0; -EIO when the reply is malformed; or as vuser_cmd_dma_map().
 */
int vuser_cmd_log_report(struct vuser_channel *chan, struct vuser_log_report *report)
{
	struct vuser_log_message *rep = report->buf;
	size_t size = sizeof(*rep) + vuser_cmd_log_bytes(report->nr);
	struct vuser_log_message req = {
		.argsz = size,
		.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_LOGGING_REPORT,
		.iova = report->iova,
		.length = report->nr * report->page,
		.page_size = report->page,
	};
	struct vuser_call call = {
		.command = VFIO_USER_DEVICE_FEATURE,
		.payload[0] = { &req, sizeof(req) },
		.reply = rep,
		.reply_min = sizeof(struct vfio_user_device_feature),
		.reply_max = size,
		.deadline = vuser_channel_deadline(chan),
		.killable = true,
	};
	int ret = vuser_call(chan, &call);

	if (ret)
		return ret;
	/* A server that has no room for the bitmap replies with its length only. */
	if (call.reply_len != size || rep->iova != req.iova ||
	    rep->length != req.length ||
	    rep->page_size != req.page_size)
		return -EIO;
	report->bitmap = (unsigned long *)(rep + 1);
	return 0;
}
