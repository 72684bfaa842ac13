/* SPDX-License-Identifier: GPL-2.0 */
/* Slots for commands that wait for their replies. */
#ifndef VUSER_SLOT_H
#define VUSER_SLOT_H

#include <linux/types.h>

#include "server/channel.h"

/**
 * vuser_slot_id() - compute the message id of a slot's current use
 * @chan: the channel
 * @slot: the slot
 *
 * Context: any; the channel's lock is held, or the slot belongs to the caller.
 * Return: the message id.
 */
static inline u16 vuser_slot_id(struct vuser_channel *chan,
				struct vuser_slot *slot)
{
	return (slot - chan->slots) | slot->gen << VUSER_ID_GEN_SHIFT;
}

int vuser_slot_get(struct vuser_channel *chan, struct vuser_call *call,
		   struct vfio_user_header *hdr, struct vuser_slot **slot);
void vuser_slot_free(struct vuser_channel *chan, struct vuser_slot *slot);
bool vuser_slot_mark_sent(struct vuser_channel *chan, u16 msg_id);
bool vuser_slot_mark_unsent(struct vuser_channel *chan, u16 msg_id);
void vuser_slot_complete(struct vuser_channel *chan, u16 msg_id, u32 error);
const char *vuser_slot_reply(struct vuser_channel *chan,
			     const struct vfio_user_header *hdr,
			     const void *payload, size_t len);

#endif /* VUSER_SLOT_H */
