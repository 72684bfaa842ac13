/* SPDX-License-Identifier: GPL-2.0 */
/* The tracepoints.  In each tracepoint, dev is the number of the device. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vuser

#if !defined(VUSER_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VUSER_TRACE_H

#include <linux/tracepoint.h>
#include <uapi/linux/vfio_user.h>

#include "compat.h"

/* A message that is sent (vuser_send) or was received (vuser_recv). */
DECLARE_EVENT_CLASS(vuser_message,
	TP_PROTO(u32 dev, const struct vfio_user_header *hdr),
	TP_ARGS(dev, hdr),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u16, id)
		__field(u16, command)
		__field(u32, size)
		__field(u32, flags)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->id = hdr->msg_id;
		__entry->command = hdr->command;
		__entry->size = hdr->msg_size;
		__entry->flags = hdr->flags;
		__entry->error = hdr->error_no;
	),
	TP_printk("dev=%u id=0x%04x command=%u size=%u flags=0x%x error=%u",
		  __entry->dev, __entry->id, __entry->command, __entry->size,
		  __entry->flags, __entry->error)
);

DEFINE_EVENT(vuser_message, vuser_send,
	TP_PROTO(u32 dev, const struct vfio_user_header *hdr),
	TP_ARGS(dev, hdr)
);

DEFINE_EVENT(vuser_message, vuser_recv,
	TP_PROTO(u32 dev, const struct vfio_user_header *hdr),
	TP_ARGS(dev, hdr)
);

/* A message that violates the protocol, or an error reply to a posted write. */
TRACE_EVENT(vuser_bad_msg,
	TP_PROTO(u32 dev, const struct vfio_user_header *hdr,
		 const char *why),
	TP_ARGS(dev, hdr, why),
	TP_STRUCT__entry(
		__field(u32, dev)
		__array(u8, header, sizeof(struct vfio_user_header))
		__string(why, why)
	),
	TP_fast_assign(
		__entry->dev = dev;
		memcpy(__entry->header, hdr, sizeof(*hdr));
		vuser_assign_str(why);
	),
	TP_printk("dev=%u %s: %s", __entry->dev, __get_str(why),
		  __print_hex(__entry->header,
			      sizeof(struct vfio_user_header)))
);

/* A channel is lost. */
TRACE_EVENT(vuser_lost,
	TP_PROTO(u32 dev, int error, const char *why),
	TP_ARGS(dev, error, why),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(int, error)
		__string(why, why)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->error = error;
		vuser_assign_str(why);
	),
	TP_printk("dev=%u error=%d %s", __entry->dev, __entry->error,
		  __get_str(why))
);

/* The state of a device changes; enum vuser_state has the numbers. */
TRACE_EVENT(vuser_state,
	TP_PROTO(u32 dev, u32 from, u32 to),
	TP_ARGS(dev, from, to),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("dev=%u %u -> %u", __entry->dev, __entry->from, __entry->to)
);

/* A trapped access: a consumer's load or store on a mapped register. */
TRACE_EVENT(vuser_trap,
	TP_PROTO(u32 dev, u32 region, u64 off, u32 size,
		 bool write, u64 val, int err),
	TP_ARGS(dev, region, off, size, write, val, err),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u32, region)
		__field(u64, off)
		__field(u32, size)
		__field(bool, write)
		__field(u64, val)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->region = region;
		__entry->off = off;
		__entry->size = size;
		__entry->write = write;
		__entry->val = val;
		__entry->err = err;
	),
	TP_printk("dev=%u region=%u off=0x%llx size=%u %s val=0x%llx err=%d",
		  __entry->dev, __entry->region, __entry->off, __entry->size,
		  __entry->write ? "store" : "load", __entry->val,
		  __entry->err)
);

/* The kernel has served a DMA_READ or DMA_WRITE of the server. */
TRACE_EVENT(vuser_dma,
	TP_PROTO(u32 dev, u64 iova, u64 count, bool write,
		 int err),
	TP_ARGS(dev, iova, count, write, err),
	TP_STRUCT__entry(
		__field(u32, dev)
		__field(u64, iova)
		__field(u64, count)
		__field(bool, write)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->dev = dev;
		__entry->iova = iova;
		__entry->count = count;
		__entry->write = write;
		__entry->err = err;
	),
	TP_printk("dev=%u iova=0x%llx count=%llu %s err=%d", __entry->dev,
		  __entry->iova, __entry->count,
		  __entry->write ? "write" : "read", __entry->err)
);

#endif /* VUSER_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
