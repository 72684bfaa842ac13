/* SPDX-License-Identifier: GPL-2.0 */
/* The states of a device, and the functions that change them. */
#ifndef VUSER_STATE_H
#define VUSER_STATE_H

#include <linux/types.h>

struct socket;
struct vuser_channel;
struct vuser_desc;
struct vuser_device;

int vuser_state_attach(struct vuser_device *dev, struct vuser_desc *desc,
		       struct socket *sock, struct socket *twin, const char **why);
int vuser_state_detach(struct vuser_device *dev, const char *error);
void vuser_state_remove(struct vuser_device *dev);
int vuser_state_open(struct vuser_device *dev);
void vuser_state_opened(struct vuser_device *dev);
void vuser_state_close(struct vuser_device *dev);
struct vuser_channel *vuser_state_resuming(struct vuser_device *dev);
bool vuser_state_resumed(struct vuser_device *dev, struct vuser_channel *chan);
bool vuser_state_reset(struct vuser_device *dev);
struct vuser_channel *vuser_state_channel_get(struct vuser_device *dev);
struct vuser_channel *vuser_state_next_get(struct vuser_device *dev);
struct vuser_channel *vuser_state_fdmsg_channel(struct vuser_device *dev, u64 id);
int vuser_state_request(struct vuser_device *dev, char *endpoint, bool no_state);
int vuser_state_refuse(struct vuser_device *dev, const char *why);
int vuser_state_attach_next(struct vuser_device *dev, struct vuser_desc *desc,
			    struct socket *sock, struct socket *twin, const char **why);
int vuser_state_pause(struct vuser_device *dev, struct vuser_channel *old);
int vuser_state_replace(struct vuser_device *dev, struct vuser_channel *chan);
void vuser_state_unpause(struct vuser_device *dev, struct vuser_channel *chan);
void vuser_state_replaced(struct vuser_device *dev, u64 pause_us);
void vuser_state_not_replaced(struct vuser_device *dev, struct vuser_channel *chan,
			      const char *step, int error);

#endif /* VUSER_STATE_H */
